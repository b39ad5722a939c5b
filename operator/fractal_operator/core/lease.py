"""Who leads: what a replica does next about the Lease, from what it saw and when. No I/O, and no clock of its own.

All times are of one process's monotonic clock. Two rules keep two replicas from leading at once, whatever the network
does. A leader counts its time from when it *sent* the request that made or kept it leader, and stops `renew_s` after
that. Any other takes a lease only `lease_s` after it *saw* its last change, and only in the version that it saw.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from fractal_operator.core.names import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a lease lasts for others, until when its holder must have renewed it, and how often each tries."""

    lease_s: float = 10.0
    renew_s: float = 6.0
    retry_s: float = 2.0
    request_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Read the Lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Claim the Lease: create it, or put it in the version that was seen."""

    lease: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Do nothing before `until`."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Stop at once: from now on somebody else may lead."""

    why: str


Action = Read | Write | Wait | Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidacy:
    """One replica's view. `identity` is its own, of this process alone.

    `lease` is the Lease as it was last seen, None when none ever was; `gone` that it was missing since. `fresh` says
    that nothing speaks against writing in that version. `led_at` is when the request was sent that made it the leader.
    """

    identity: str
    lease: Object | None = None
    gone: bool = False
    fresh: bool = False
    seen_at: float = 0.0
    led_at: float | None = None
    next_at: float = 0.0

    @property
    def leads(self) -> bool:
        """Whether this replica holds the Lease, as far as it knows."""
        return self.led_at is not None

    @property
    def holder(self) -> str:
        """Who holds the Lease, as far as was seen; empty when nobody does."""
        return holder_of(self.lease or {})


def holder_of(lease: Object) -> str:
    """Who holds a Lease; empty when nobody does."""
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def decide(mine: Candidacy, now: float, timing: Timing, stamp: str) -> Action:
    """What to do next; `stamp` is the time of day, for people who read the Lease."""
    if mine.led_at is not None and now >= mine.led_at + timing.renew_s:
        return Lost(why=f"it could not be renewed for {timing.renew_s:g} s")
    if mine.leads and mine.fresh and mine.holder != mine.identity:
        return Lost(why=f"{mine.holder or 'somebody'} has taken it")
    if now < mine.next_at:
        return Wait(until=mine.next_at)
    if not mine.fresh:
        return Read()
    return Write(lease=_claimed(mine, timing, stamp))


def saw(mine: Candidacy, lease: Object | None, now: float, timing: Timing) -> Candidacy:
    """The view after the Lease was read; None when it is missing."""
    changed = lease is not None and (mine.gone or _version(lease) != _version(mine.lease))
    seen = replace(
        mine,
        lease=mine.lease if lease is None else lease,
        gone=lease is None,
        seen_at=now if changed else mine.seen_at,
    )
    free_at = _free_at(seen, timing)
    if seen.leads or now >= free_at:
        return replace(seen, fresh=True)
    return replace(seen, fresh=False, next_at=min(now + timing.retry_s, free_at))


def woken(mine: Candidacy, now: float) -> Candidacy:
    """The view after somebody told that the Lease is free: it is read at once, unless this replica leads."""
    return mine if mine.leads else replace(mine, fresh=False, next_at=now)


def wrote(mine: Candidacy, lease: Object, sent: float, timing: Timing) -> Candidacy:
    """The view after a claim that was sent at `sent` has succeeded: this replica leads."""
    return replace(mine, lease=lease, gone=False, fresh=True, seen_at=sent, led_at=sent, next_at=sent + timing.retry_s)


def failed(mine: Candidacy, sent: float, now: float, timing: Timing, *, stale: bool) -> Candidacy:
    """The view after a request came to nothing. `stale`: since the Lease is another by now, so it is read at once."""
    return replace(mine, fresh=mine.fresh and not stale, next_at=now if stale else max(now, sent + timing.retry_s))


def released(lease: Object) -> Object:
    """The Lease, free for the next."""
    return {**lease, "spec": {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}}


def stamp_of(moment: datetime) -> str:
    """A time of day as a Lease has it: RFC 3339 with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_BLANK: Final[Object] = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {}}


def _free_at(mine: Candidacy, timing: Timing) -> float:
    """When this replica may claim the Lease. One that vanished is treated as if its holder lived on."""
    if mine.holder in ("", mine.identity):
        return mine.seen_at
    spec = (mine.lease or {}).get("spec") or {}
    return mine.seen_at + max(float(spec.get("leaseDurationSeconds") or 0), timing.lease_s)


def _claimed(mine: Candidacy, timing: Timing, stamp: str) -> Object:
    known = mine.lease or _BLANK
    before = known.get("spec") or {}
    taken = mine.holder != mine.identity or mine.gone
    metadata = {key: value for key, value in known["metadata"].items() if not (mine.gone and key in _OF_THE_SERVER)}
    spec = {
        **before,
        "holderIdentity": mine.identity,
        "leaseDurationSeconds": int(timing.lease_s),
        "renewTime": stamp,
        "acquireTime": stamp if taken else before.get("acquireTime", stamp),
        "leaseTransitions": int(before.get("leaseTransitions") or 0) + (1 if taken and mine.lease else 0),
    }
    return {**known, "metadata": metadata, "spec": spec}


_OF_THE_SERVER: Final = frozenset({"resourceVersion", "uid", "creationTimestamp", "managedFields", "generation"})


def _version(lease: Object | None) -> str:
    return str(lease["metadata"].get("resourceVersion", "")) if lease else ""

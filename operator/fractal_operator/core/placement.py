"""Which job is next, and which world fits it; and if none does, why.

A step of priority is worth a minute of waiting: a job overtakes those that came less than a minute earlier for each
step, so nothing starves, and the order of two jobs never changes while they wait.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fractal_api.conditions import JobReason
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import Job
from fractal_operator.core.worlds import Quarantine, WorldView

SECONDS_PER_PRIORITY: Final = 60
"""How much earlier than it came a job counts, for each step of priority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A world, as placing sees it. `free` says that its agent answers and works on nothing; `trouble` that it doesn't.

    `idle_since` is in seconds of any steady clock; `troubles` counts the failures of the last minutes.
    """

    view: WorldView
    free: bool
    quarantine: Quarantine | None = None
    trouble: str = ""
    idle_since: float = 0.0
    troubles: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A Kubernetes namespace that jobs come from; `labels` is None when there is no such namespace (yet).

    `running` of its jobs are on; `limit` of them may be, and 0 means any number.
    """

    name: str
    labels: Mapping[str, str] | None
    running: int = 0
    limit: int = 0

    @property
    def full(self) -> bool:
        """Whether no further job of it may run now."""
        return 0 < self.limit <= self.running


def turn_of(job: Job) -> tuple[float, datetime, str]:
    """What jobs are sorted by: priority and arrival as one, then the finer arrival, then the uid."""
    return (job.created.timestamp() - SECONDS_PER_PRIORITY * job.priority, job.arrival, job.uid)


def choose_place(job: Job, client: Client, places: Iterable[Place]) -> Place | None:
    """The free world that the job goes to: rather not the one it failed on, then the calmest, then the longest idle."""
    if client.full:
        return None
    fitting = (place for place in places if place.free and _open(place) and fits(job, client, place.view))
    return min(
        fitting,
        key=lambda place: (place.view.name == job.status.failed_on, place.troubles, place.idle_since, place.view.name),
        default=None,
    )


def explain_wait(job: Job, client: Client, places: Sequence[Place], before: int) -> s.Hold:
    """Why the job waits; `before` jobs are to be assigned before it."""
    if client.full:
        return s.Hold(
            reason=JobReason.NAMESPACE_LIMIT,
            message=f"namespace {client.name} has {client.running} running jobs, and may have {client.limit}",
        )
    if not places:
        return s.Hold(reason=JobReason.NO_WORLD, message="there is no FractalNamespace yet: create one")
    chosen = [place for place in places if _selected(job, place.view)]
    if not chosen:
        return s.Hold(
            reason=JobReason.NO_WORLD,
            message="spec.execution.worldSelector matches the labels of no FractalNamespace",
        )
    allowed = [place for place in chosen if _allowed(client, place.view)]
    if not allowed:
        names = ", ".join(sorted(place.view.name for place in chosen)[:3])
        return s.Hold(
            reason=JobReason.NOT_ALLOWED,
            message=f"spec.allowedNamespaces of {names} does not admit namespace {client.name}",
        )
    ready = [place for place in allowed if _open(place) and not place.trouble]
    if not ready:
        return s.Hold(reason=JobReason.WORLD_NOT_READY, message=_trouble(allowed))
    return s.Hold(reason=JobReason.QUEUED, message=_busy(len(ready), before))


def fits(job: Job, client: Client, world: WorldView) -> bool:
    """Whether the job may ever be rendered by this world."""
    return _selected(job, world) and _allowed(client, world)


def _open(place: Place) -> bool:
    return place.view.takes_runs and place.quarantine is None


def _selected(job: Job, world: WorldView) -> bool:
    selector = job.spec.execution.world_selector if job.spec else None
    return selector is None or selector.matches(world.labels)


def _allowed(client: Client, world: WorldView) -> bool:
    if world.allowed_namespaces is None:
        return True
    return client.labels is not None and world.allowed_namespaces.matches(client.labels)


def _trouble(places: Sequence[Place]) -> str:
    """Why none of these worlds takes a job, by the example of one."""
    first = min(places, key=lambda place: place.view.name)
    if not first.view.takes_runs:
        why = first.view.why_not
    else:
        why = first.quarantine.message if first.quarantine else first.trouble
    others = f" (and {len(places) - 1} more take none)" if len(places) > 1 else ""
    return f"the world {first.view.name} {why or 'takes no job now'}{others}"


def _busy(worlds: int, before: int) -> str:
    whom = "the world that fits is busy" if worlds == 1 else f"the {worlds} worlds that fit are busy"
    return f"{whom}; jobs before this one: {before}"

"""Every FractalJob, as last seen: a cache of the API server, which forgets nothing that it should know.

Watches repeat themselves and may be behind our own writes: what is older than what is known is passed over.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from fractal_api.conditions import JobCondition
from fractal_operator.core.jobs import Job
from fractal_operator.core.lifecycle import ACTIVE, WAITING, State, state_of

_REMEMBERED: Final = 10_000
"""Deleted jobs whose late news are recognized."""


class Ledger:
    """The jobs by uid, with the few questions that the scheduler asks."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._states: dict[str, State] = {}
        self._waiting: set[str] = set()
        self._worlds: dict[str, set[str]] = {}
        self._running: Counter[str] = Counter()
        self._gone: deque[str] = deque(maxlen=_REMEMBERED)
        self._buried: set[str] = set()
        self.noticed: Callable[[Job, Job], None] | None = None
        """Is told of every change of a job that was known, whoever made it: from what, and to what."""

        self.changed: set[str] = set()
        """The jobs that are to be looked at, since they are not what they were."""

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, uid: object) -> bool:
        return uid in self._jobs

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs.values()))

    def get(self, uid: str) -> Job | None:
        """The job with this uid, if it is there."""
        return self._jobs.get(uid)

    def state(self, uid: str) -> State:
        """The state of a job that is there."""
        return self._states[uid]

    def keep(self, job: Job) -> bool:
        """Whether this was news."""
        known = self._jobs.get(job.uid)
        if job.uid in self._buried or (known is not None and not is_newer(job.version, known.version)):
            return False
        self._unindex(job.uid)
        self._jobs[job.uid] = job
        self._index(job)
        self.changed.add(job.uid)
        if known is not None and self.noticed is not None:
            self.noticed(known, job)
        return True

    def drop(self, uid: str) -> Job | None:
        """The job that is no more; its uid never comes back."""
        if uid not in self._buried:
            if len(self._gone) == _REMEMBERED:
                self._buried.discard(self._gone[0])
            self._gone.append(uid)
            self._buried.add(uid)
        self._unindex(uid)
        return self._jobs.pop(uid, None)

    def waiting(self) -> Iterable[Job]:
        """The jobs that want a world."""
        return [self._jobs[uid] for uid in self._waiting]

    def on_world(self, world: str) -> list[Job]:
        """The jobs that are assigned to a world, the earliest first: there should be one at most."""
        return sorted((self._jobs[uid] for uid in self._worlds.get(world, ())), key=_assigned_since)

    def worlds(self) -> AbstractSet[str]:
        """The worlds that jobs are assigned to."""
        return {world for world, uids in self._worlds.items() if uids}

    def active(self) -> Iterable[Job]:
        """The jobs that are assigned to a world."""
        return [self._jobs[uid] for uids in self._worlds.values() for uid in uids]

    def running_of(self, namespace: str) -> int:
        """How many jobs of a client namespace are assigned."""
        return self._running[namespace]

    def _index(self, job: Job) -> None:
        state = self._states[job.uid] = state_of(job.status)
        if state in WAITING:
            self._waiting.add(job.uid)
        elif state in ACTIVE:
            self._worlds.setdefault(job.world, set()).add(job.uid)
            self._running[job.namespace] += 1

    def _unindex(self, uid: str) -> None:
        job, state = self._jobs.get(uid), self._states.pop(uid, None)
        if job is None:
            return
        self._waiting.discard(uid)
        if state in ACTIVE:
            self._running[job.namespace] -= 1
            self._worlds[job.world].discard(uid)
            if not self._worlds[job.world]:
                del self._worlds[job.world]


def is_newer(version: str, than: str) -> bool:
    """Whether a resourceVersion is a later one; they are numbers that grow, and anything else is taken for news."""
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


def _assigned_since(job: Job) -> tuple[float, str]:
    assigned = job.condition(JobCondition.ASSIGNED)
    since = assigned.last_transition_time if assigned else None
    return (since.timestamp() if since else 0.0, job.uid)

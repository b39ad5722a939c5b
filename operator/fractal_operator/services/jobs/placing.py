"""Gives waiting jobs to free worlds, and tells those that stay why they wait."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fractal_api.conditions import JobCondition
from fractal_operator.core import placement
from fractal_operator.core import stimuli as s
from fractal_operator.core.failures import retry_at
from fractal_operator.core.jobs import Job
from fractal_operator.services.jobs.board import Board
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTLING_S: Final = 0.5
"""A job that gets a world within this time is never called queued: that saves a write."""

STARTING_S: Final = 3.0
"""After its start the operator says of no job that it waits before the worlds had this long to be known."""

AGAIN_S: Final = 30.0
"""So often at most is it looked at why a job waits."""

AT_ONCE: Final = 20
"""So many jobs at most are told why they wait before anything else gets its turn."""

_DIGITS: Final = re.compile(r"\d+")

_NEVER: Final = float("inf")


class Placing:
    """Who goes where. `clients` has the labels of Kubernetes namespaces; `limit` is how many jobs of one may run."""

    def __init__(self, ledger: Ledger, board: Board, clock: Clock, *, limit: int) -> None:
        self._ledger = ledger
        self._board = board
        self._clock = clock
        self._limit = limit
        self._started = clock.monotonic()
        self._explain_at: dict[str, float] = {}
        self.clients: dict[str, Mapping[str, str]] = {}

    def forget(self, uid: str) -> None:
        """The job waits no longer."""
        self._explain_at.pop(uid, None)

    def pick(self, passed: set[str]) -> tuple[Job, str] | None:
        """The job that is next, and its world; None when no job fits a free world. `passed` are to be left out."""
        places = self.places()
        if not any(place.free for place in places):
            return None
        for job in self.queue():
            if job.uid in passed:
                continue
            place = placement.choose_place(job, self._client(job), places)
            if place is not None:
                return job, place.view.name
        return None

    def explanations(self) -> list[tuple[Job, s.Hold]]:
        """What is to be said of jobs that wait: of a few at once, of each at most every half minute, and only news."""
        now, places = self._clock.monotonic(), None
        told: list[tuple[Job, s.Hold]] = []
        if not self._is_anything_due(now):
            return told
        for before, job in enumerate(self.queue()):
            if self._explain_at.get(job.uid, _NEVER) > now:
                continue
            if len(told) == AT_ONCE:
                break
            self._explain_at[job.uid] = now + AGAIN_S
            places = places or self.places()
            hold = placement.explain_wait(job, self._client(job), places, before)
            if _is_news(job, hold):
                told.append((job, hold))
        return told

    def say_later(self, jobs: Iterable[Job]) -> None:
        """Explain these when there is time for it."""
        now = self._clock.monotonic()
        self._explain_at.update((job.uid, now) for job in jobs if job.uid in self._explain_at)

    def _is_anything_due(self, now: float) -> bool:
        """Whether some job's wait is to be explained; those that are new get their time."""
        first = max(now + SETTLING_S, self._started + STARTING_S)
        due = [self._explain_at.setdefault(job.uid, first) for job in self._ledger.waiting() if self._is_ready(job)]
        return min(due, default=_NEVER) <= now

    def next_at(self) -> float:
        """When time alone may change something for a waiting job."""
        return min((self._explain_at.get(job.uid, _NEVER) for job in self._ledger.waiting()), default=_NEVER)

    def places(self) -> list[placement.Place]:
        """All worlds, as placing sees them."""
        now, taken = self._clock.monotonic(), self._ledger.worlds()
        found = (slot.place(now, taken=slot.name in taken) for slot in self._board)
        return [place for place in found if place is not None]

    def queue(self) -> list[Job]:
        """The jobs that may be assigned now, in their order; those that back off say so already."""
        return sorted((job for job in self._ledger.waiting() if self._is_ready(job)), key=placement.turn_of)

    def _is_ready(self, job: Job) -> bool:
        """Whether nothing but a world is missing."""
        again = retry_at(job.status)
        return job.spec is not None and not job.suspended and (again is None or again <= self._clock.now())

    def _client(self, job: Job) -> placement.Client:
        return placement.Client(
            name=job.namespace,
            labels=self.clients.get(job.namespace),
            running=self._ledger.running_of(job.namespace),
            limit=self._limit,
        )


def _is_news(job: Job, hold: s.Hold) -> bool:
    """Whether the job's status says something else: only numbers in a message may grow old."""
    assigned = job.condition(JobCondition.ASSIGNED)
    if assigned is None or assigned.reason != hold.reason:
        return True
    return _DIGITS.sub("", assigned.message) != _DIGITS.sub("", hold.message)

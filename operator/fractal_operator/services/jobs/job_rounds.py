"""Looks at jobs: what their specs and the clock ask for, which world they get, and why they wait if none."""

import heapq
from collections.abc import Callable
from typing import Final

from fractal_operator.core import stimuli as s
from fractal_operator.core.duties import find_duty, next_duty_at
from fractal_operator.core.lifecycle import ACTIVE, FINISHED
from fractal_operator.services.jobs.workshop import Workshop

_STEPS: Final = 5
"""Duties in a row that one look at a job may bring."""

_AGAIN_S: Final = 1.0

UNDISTURBED: Final = 5
"""So many jobs are told why they wait whatever else there is: each write is news itself."""

LONGEST_S: Final = 1.0
"""So long at most are changed jobs looked at before worlds get their turn."""


class JobRounds:
    """The rounds over jobs. ApiAway ends one; the next one finds the rest as it is."""

    def __init__(self, shop: Workshop) -> None:
        self._ledger = shop.ledger
        self._board = shop.board
        self._clerk = shop.clerk
        self._placing = shop.placing
        self._clock = shop.clock
        self._agenda: list[tuple[float, str]] = []
        self._losses: dict[str, s.LoseResult] = {}

    def lose(self, uid: str, loss: s.LoseResult) -> None:
        """A complete job has its result no longer."""
        self._losses[uid] = loss
        self._board.wake()

    async def review(self) -> None:
        """Look at the jobs that changed, and at those whose time has come."""
        now = self._clock.monotonic()
        while self._agenda and self._agenda[0][0] <= now:
            self._ledger.changed.add(heapq.heappop(self._agenda)[1])
        begun = now
        while self._ledger.changed and self._clock.monotonic() - begun < LONGEST_S:
            uid = next(iter(self._ledger.changed))
            await self._review(uid)
            self._ledger.changed.discard(uid)
        for uid, loss in tuple(self._losses.items()):
            await self._clerk.apply(uid, loss)
            del self._losses[uid]

    async def place(self) -> None:
        """Give free worlds to waiting jobs."""
        await self._clerk.find_out_places()
        passed = {job.uid for job in self._ledger.waiting() if self._clerk.is_barred(job.uid)}
        while (pick := self._placing.pick(passed)) is not None:
            job, world = pick
            slot = self._board.slot(world)
            slot.reserved = job.key
            try:
                if not await self._clerk.apply(job.uid, s.Place(world=world)):
                    passed.add(job.uid)
                    self._remind(job.uid, _AGAIN_S)
            finally:
                slot.reserved = ""
                self._board.ring(world)

    async def explain(self, interrupted: Callable[[], bool]) -> None:
        """Say of a few jobs why they wait; the rest waits when there are other things to do."""
        told, done = self._placing.explanations(), 0
        try:
            while done < len(told) and (done < UNDISTURBED or not interrupted()):
                job, hold = told[done]
                await self._clerk.apply(job.uid, hold)
                done += 1
        finally:
            self._placing.say_later(job for job, _ in told[done:])

    def next_at(self) -> float:
        """When time alone may bring something."""
        if self._ledger.changed:
            return float("-inf")
        return min(self._agenda[0][0] if self._agenda else float("inf"), self._placing.next_at())

    async def _review(self, uid: str) -> None:
        for _ in range(_STEPS):
            job = self._ledger.get(uid)
            duty = find_duty(job, self._clock.now()) if job else None
            if job is None:
                return
            if duty is None:
                self._plan_next(uid)
                return
            applied = await self._clerk.apply(uid, duty)
            if applied and isinstance(duty, s.Suspend) and uid in self._ledger and self._ledger.state(uid) in ACTIVE:
                # Its run is taken back first; the job stays as it is until then.
                self._plan_next(uid)
                return
        self._remind(uid, _AGAIN_S)

    def _plan_next(self, uid: str) -> None:
        job = self._ledger.get(uid)
        if job is None:
            return
        if self._ledger.state(uid) in FINISHED:
            self._placing.forget(uid)
        due = next_duty_at(job)
        now = self._clock.now()
        if due is not None and due > now:
            self._remind(uid, (due - now).total_seconds())

    def _remind(self, uid: str, after_s: float) -> None:
        heapq.heappush(self._agenda, (self._clock.monotonic() + after_s, uid))

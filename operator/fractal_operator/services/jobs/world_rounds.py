"""Looks at worlds: lets the statuses of the jobs that are assigned to them say what is known of their runs."""

from dataclasses import replace
from typing import Final

from fractal_operator.core import stimuli as s
from fractal_operator.core.failures import Fault
from fractal_operator.core.jobs import Job, split_run
from fractal_operator.core.lifecycle import FINISHED
from fractal_operator.core.run_facts import RunFacts, derive_loss, derive_stimulus
from fractal_operator.services.jobs.slots import Slot, Unwanted
from fractal_operator.services.jobs.workshop import Workshop

_STEPS: Final = 5
"""Stimuli in a row that one look at a world may bring."""


class WorldRounds:
    """The rounds over worlds. ApiAway ends one; the next one finds the rest as it is."""

    def __init__(self, shop: Workshop, *, progress_s: float) -> None:
        self._ledger = shop.ledger
        self._board = shop.board
        self._clerk = shop.clerk
        self._archivist = shop.archivist
        self._clock = shop.clock
        self._progress_s = progress_s

    async def settle(self) -> None:
        """Look at every world, and at those that jobs are assigned to though nobody told of them."""
        for world in self._ledger.worlds():
            self._board.slot(world)
        for slot in self._board:
            if slot.end_of_quarantine(self._clock.now()):
                self._board.ring(slot.name)
            slot.grow_doubtful(self._clock.monotonic())
            await self._judge(slot)
            for job in self._ledger.on_world(slot.name)[1:]:
                await self._displace(slot, job)
            await self._settle(slot)
            if (slot.gone or slot.view is None) and not self._ledger.on_world(slot.name):
                self._let_go(slot)

    def next_at(self) -> float:
        """When time alone may bring something."""
        now, today = self._clock.monotonic(), self._clock.now()
        return min((slot.next_at(now, today) for slot in self._board), default=float("inf"))

    async def _settle(self, slot: Slot) -> None:
        for _ in range(_STEPS):
            job = self._board.current(slot)
            stimulus = self._derive(slot, job) if job else None
            if job is None or stimulus is None or not await self._clerk.apply(job.uid, stimulus):
                return
            self._follow(slot, job, stimulus)

    def _derive(self, slot: Slot, job: Job) -> s.Stimulus | None:
        now, facts = self._clock.monotonic(), slot.facts
        if facts is not None and facts.complete and facts.record is None and not facts.missing:
            self._archivist.read(job)
        entry = slot.unwanted.get(job.run)
        unwanted = entry.message if entry else None
        due = facts is not None and now - facts.written_at >= self._progress_s
        stimulus = derive_stimulus(job, facts, now, unwanted=unwanted, progress_due=due) if facts else None
        if stimulus is not None or (slot.absent_since is None and not slot.gone):
            return stimulus
        absent_s = 0.0 if slot.absent_since is None else now - slot.absent_since
        return derive_loss(job, absent_s, gone=slot.gone, hurried=slot.hurried, unwanted=unwanted)

    def _follow(self, slot: Slot, job: Job, stimulus: s.Stimulus) -> None:
        """Keep what an applied stimulus means for the world."""
        now = self._clock.monotonic()
        match stimulus:
            case s.Advance() if slot.facts:
                slot.facts = replace(slot.facts, written_at=now)
            case s.Forget():
                slot.facts = RunFacts(run=job.run, heard_at=now)
            case s.Break() if stimulus.failure.fault is Fault.WORLD:
                slot.failed(now, self._clock.now(), stimulus.failure.message)
                self._board.ring(slot.name)
            case _:
                pass
        if not self._ledger.on_world(slot.name):
            slot.idle_since = now
            if slot.absent_since is not None and not slot.gone:
                # Should its agent come back, the run must not go on there.
                slot.unwanted.setdefault(job.run, Unwanted(message="its world did not answer"))

    async def _displace(self, slot: Slot, job: Job) -> None:
        """Take a second job off a world: two leaders once took it for free."""
        entry = slot.unwanted.setdefault(job.run, Unwanted(message=f"world {slot.name} had another job already"))
        if entry.ended or slot.gone:
            await self._clerk.apply(job.uid, s.Release(attempt=job.attempt, message=entry.message))

    async def _judge(self, slot: Slot) -> None:
        """Find out of runs that an agent should not have whether their jobs know better by now."""
        for run in tuple(slot.doubtful):
            uid, _ = split_run(run) or ("", 0)
            job = self._ledger.get(uid)
            if job is not None and self._ledger.state(uid) not in FINISHED:
                await self._clerk.refresh(job)
            if run not in {known.run for known in self._ledger.on_world(slot.name)}:
                slot.unwanted.setdefault(run, Unwanted(message="it is no job's present attempt"))
            slot.doubtful.discard(run)

    def _let_go(self, slot: Slot) -> None:
        self._board.forget(slot.name)
        for entry in slot.unwanted.values():
            if entry.forget is not None:
                self._archivist.forget(*entry.forget)

"""The job side as the world side sees it (`core.worlds.WorldBoard`), and the slots of all worlds behind it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from fractal_api.storage import ResultRecord
from fractal_operator.core.jobs import Job
from fractal_operator.core.run_facts import RunFacts
from fractal_operator.core.worlds import Quarantine, WorldView
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.ledger import Ledger
from fractal_operator.services.jobs.slots import Slot, Unwanted


class Board:
    """The worlds. `wake` is called when something may have to be done about one."""

    def __init__(self, ledger: Ledger, clock: Clock, wake: Callable[[], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self.wake = wake
        self._slots: dict[str, Slot] = {}
        self._bells: dict[str, asyncio.Event] = {}

    def __iter__(self) -> Iterator[Slot]:
        return iter(tuple(self._slots.values()))

    def slot(self, name: str) -> Slot:
        """The slot of a world; a new one when nothing was heard of it yet."""
        found = self._slots.get(name)
        if found is None:
            found = self._slots[name] = Slot(name=name, absent_since=self._clock.monotonic())
        return found

    def find(self, name: str) -> Slot | None:
        """The slot of a world, if there is one."""
        return self._slots.get(name)

    def jobs_on(self, slot: Slot) -> list[Job]:
        """The jobs that are assigned to a world: one at most, unless two leaders once took it for free."""
        return self._ledger.on_world(slot.name)

    def current(self, slot: Slot) -> Job | None:
        """The job that has the world, with the slot's facts about its run; what is about other runs is forgotten."""
        jobs = self._ledger.on_world(slot.name)
        runs = {job.run for job in jobs}
        for run, entry in tuple(slot.unwanted.items()):
            if entry.ended and run not in runs:
                del slot.unwanted[run]
        if not jobs:
            slot.facts, slot.hurried = None, False
            return None
        if slot.facts is None or slot.facts.run != jobs[0].run:
            slot.facts = RunFacts(run=jobs[0].run, heard_at=self._clock.monotonic())
        return jobs[0]

    def forget(self, name: str) -> None:
        """Let a slot go: its world is gone, and no job is on it."""
        self._slots.pop(name, None)
        bell = self._bells.pop(name, None)
        if bell is not None:
            bell.set()  # whoever waits asks anew, with a bell of its own

    def told(self, run: str, record: ResultRecord | None) -> None:
        """The store has said what it has of a run."""
        slot = self._slot_of(run)
        if slot is not None and slot.facts is not None:
            # A line alone doesn't prove that there should be a record: the agent is asked.
            known = replace(slot.facts, record=record, store_trouble="")
            missing = record is None and known.complete
            slot.facts = replace(known, missing=missing, asked=known.asked or record is None)
            self.wake()

    def troubled(self, run: str, trouble: str, given_up: bool) -> None:
        """The store does not say what it has of a run."""
        slot = self._slot_of(run)
        if slot is not None and slot.facts is not None:
            slot.facts = replace(slot.facts, store_trouble=trouble, store_given_up=given_up)
            self.wake()

    def ring(self, name: str) -> None:
        """Tell who waits that the world's job or quarantine is another one."""
        self._bell(name).set()

    # ---- core.worlds.WorldBoard ------------------------------------------------------------------------------------

    def put_world(self, view: WorldView) -> None:
        """See `WorldBoard`."""
        slot = self.slot(view.name)
        slot.see(view, self._clock.monotonic())
        if slot.resume_quarantine(self._clock.now()):
            self.ring(view.name)
        self.wake()

    def drop_world(self, name: str) -> None:
        """See `WorldBoard`."""
        if name in self._slots:
            self._slots[name].gone = True
            self.wake()

    def job_on(self, name: str) -> str | None:
        """See `WorldBoard`; a job whose assignment is being written counts."""
        jobs = self._ledger.on_world(name)
        slot = self._slots.get(name)
        return jobs[0].key if jobs else (slot.reserved or None) if slot else None

    def interrupt(self, name: str, message: str) -> None:
        """See `WorldBoard`."""
        slot = self.slot(name)
        for job in self._ledger.on_world(name):
            slot.hurried = True
            slot.unwanted.setdefault(job.run, Unwanted(message=message))
        self.wake()

    def quarantine_of(self, name: str) -> Quarantine | None:
        """See `WorldBoard`."""
        slot = self._slots.get(name)
        return slot.quarantine if slot else None

    def lift_quarantine(self, name: str) -> None:
        """See `WorldBoard`."""
        slot = self._slots.get(name)
        if slot is not None and slot.pardon():
            self.ring(name)
            self.wake()

    async def changed(self, name: str) -> None:
        """See `WorldBoard`."""
        bell = self._bell(name)
        await bell.wait()
        bell.clear()

    def _slot_of(self, run: str) -> Slot | None:
        return next((slot for slot in self if slot.facts is not None and slot.facts.run == run), None)

    def _bell(self, name: str) -> asyncio.Event:
        return self._bells.setdefault(name, asyncio.Event())

"""Carries errands to agents, one at a time for each world, and keeps what their answers tell.

Nothing is decided here: answers become facts, and the scheduler looks at the facts.
"""

import asyncio
from dataclasses import replace
from typing import Final, Protocol

from fractal_operator.core import answers as w
from fractal_operator.core.errands import Situation, plan_errand
from fractal_operator.core.failures import AGENT_REFUSES
from fractal_operator.core.jobs import Job
from fractal_operator.core.lifecycle import State, state_of
from fractal_operator.core.refusals import refuse
from fractal_operator.core.run_facts import seen
from fractal_operator.core.worlds import AgentRef
from fractal_operator.services.jobs.archivist import Archivist
from fractal_operator.services.jobs.board import Board
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.slots import Slot, Unwanted

_TAKEN_S: Final = 1.0
"""How long a full agent is left alone, while runs that nobody wants are taken back from it."""


class Agents(Protocol):
    """The way to agents."""

    async def do(self, agent: AgentRef, errand: w.Errand) -> w.Answer:
        """What the agent answers."""
        ...


class Couriers:
    """All errands that are on."""

    def __init__(self, agents: Agents, board: Board, archivist: Archivist, clock: Clock) -> None:
        self._agents = agents
        self._board = board
        self._archivist = archivist
        self._clock = clock

    def dispatch(self) -> None:
        """Begin the next errand to each agent that has none on and may be asked."""
        now = self._clock.monotonic()
        for slot in self._board:
            agent = slot.agent
            if agent is None or slot.errand is not None or now < slot.rest_until:
                continue
            errand = plan_errand(self._situation(slot), now)
            if errand is not None:
                slot.errand = asyncio.get_running_loop().create_task(self._carry(slot, agent, errand))

    async def close(self) -> None:
        """Give up what is on."""
        tasks = [slot.errand for slot in self._board if slot.errand is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _situation(self, slot: Slot) -> Situation:
        job = self._board.current(slot)
        unwanted = {run: entry for run, entry in slot.unwanted.items() if not entry.ended}
        unheard = [job for job in self._board.jobs_on(slot) if job.run in unwanted and unwanted[job.run].unknown]
        return Situation(
            inspected=slot.inspected,
            silent=slot.silences > 0,
            unwanted=unwanted.keys(),
            unheard=unheard[0] if unheard else None,
            job=job,
            facts=slot.facts,
        )

    async def _carry(self, slot: Slot, agent: AgentRef, errand: w.Errand) -> None:
        try:
            answer = await self._agents.do(agent, errand)
        finally:
            slot.errand = None
        if slot.speaks_of_now(agent.incarnation):
            self._take(slot, errand, answer)
        self._board.wake()

    def _take(self, slot: Slot, errand: w.Errand, answer: w.Answer) -> None:
        """Keep what the present agent of a world has answered."""
        job = self._board.current(slot)
        if isinstance(answer, w.Away):
            slot.silent(self._clock.monotonic(), answer.message)
            if isinstance(errand, w.Put):
                slot.inspected = False  # nobody knows whether it has the run now: its list will say
                self._refused(slot, errand.run, w.Later(word="", message=answer.message))
            return
        slot.answered()
        match errand, answer:
            case w.Inspect(), w.RunsSeen():
                self._inspected(slot, job, answer)
            case w.Cancel(run=run), w.RunSeen() | w.NoSuchRun():
                self._cancelled(slot, run, answer)
            case w.Put(run=run), _ if run in slot.unwanted and slot.unwanted[run].unknown:
                slot.unwanted[run].unknown, slot.unwanted[run].sealed = False, True
            case w.Put(run=run) | w.Ask(run=run), w.RunSeen() | w.NoSuchRun() | w.Refused() | w.Busy():
                if job is not None and job.run == run:
                    self._told(slot, job, answer)
            case w.Put(run=run), w.Later():
                self._refused(slot, run, answer)
            case _:
                slot.silent(self._clock.monotonic(), "its agent answers in a way that makes no sense")

    def _refused(self, slot: Slot, run: str, answer: w.Later) -> None:
        """Keep that the agent can't take a run now; no other answer than one about the run ends that."""
        if slot.facts is not None and slot.facts.run == run:
            refusal = refuse(
                slot.facts.refusal,
                self._clock.monotonic(),
                word=answer.word,
                message=answer.message,
                after_s=answer.after_s,
            )
            slot.facts = replace(slot.facts, refusal=refusal)

    def _inspected(self, slot: Slot, job: Job | None, answer: w.RunsSeen) -> None:
        slot.inspected, slot.inspected_at = True, self._clock.monotonic()
        slot.epoch = max(slot.epoch, answer.epoch or 0)
        slot.doubtful |= {run.run for run in answer.runs if not run.phase.over and (job is None or run.run != job.run)}
        if job is None or slot.facts is None:
            return
        known = next((run for run in answer.runs if run.run == job.run), None)
        if known is not None:
            self._told(slot, job, known)
        elif slot.facts.put or slot.facts.was_put or state_of(job.status) is State.RUNNING:
            slot.facts = replace(slot.facts, put=False, unknown=True)

    def _cancelled(self, slot: Slot, run: str, answer: w.RunSeen | w.NoSuchRun) -> None:
        entry = slot.unwanted.setdefault(run, Unwanted(message="it was taken back"))
        if (
            isinstance(answer, w.NoSuchRun)
            and not entry.sealed
            and run in {job.run for job in self._board.jobs_on(slot)}
        ):
            entry.unknown = True
            return
        entry.ended = isinstance(answer, w.NoSuchRun) or answer.phase.over
        if entry.ended and entry.forget is not None:
            self._archivist.forget(*entry.forget)
        if slot.facts is None or slot.facts.run != run:
            return
        if isinstance(answer, w.NoSuchRun) or answer.phase is w.Phase.INTERRUPTED:
            slot.facts = replace(slot.facts, released=True)
        else:
            slot.facts = seen(slot.facts, answer, self._clock.monotonic())

    def _told(self, slot: Slot, job: Job, answer: w.RunSeen | w.NoSuchRun | w.Refused | w.Busy) -> None:
        now = self._clock.monotonic()
        if slot.facts is None:
            return
        match answer:
            case w.RunSeen():
                slot.facts = seen(slot.facts, answer, now)
            case w.NoSuchRun():
                slot.facts = replace(slot.facts, put=False, unknown=True)
            case w.Refused():
                over = w.RunSeen(
                    run=job.run, phase=w.Phase.FAILED, reason=answer.word or AGENT_REFUSES, message=answer.message
                )
                slot.facts = replace(slot.facts, over=over)
            case w.Busy():
                slot.doubtful |= {run for run in answer.runs if run != job.run}
                message = f"its agent works on {' and '.join(answer.runs)}"
                self._refused(slot, job.run, w.Later(word="", message=message, after_s=_TAKEN_S))

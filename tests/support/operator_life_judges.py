"""Who looks at each write of a status and at each removal from the store, and objects to what must never be."""

import asyncio
from typing import Any, Final

from support import operator_agent_fake
from support.operator_job_stage import OperatorFake, Stage

from fractal_operator.core.jobs import read_job
from fractal_operator.core.lifecycle import ACTIVE, WAITING, State, state_of

NEWS_S: Final = 0.2
"""How old news of a world's agent may be when a status is written that rests on them."""


class Judges:
    """They see everything on the stage. `overlapped`: two operators have led at once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.overlapped = False
        stage.server.judges.append(self.write)
        stage.store.judges.append(self.forgetting)

    def write(self, who: object, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Look at a write of a status."""
        old, new = read_job(before), read_job(after)
        was, now = state_of(old.status), state_of(new.status)
        if now is State.COMPLETE and not self._stage.store.shows(new.uid):
            operator_agent_fake.raise_violation(f"{new.name} becomes complete without its picture")
        if now is not State.COMPLETE and was is State.COMPLETE:
            operator_agent_fake.raise_violation(f"{new.name} was complete, and is {now}")
        if new.attempt not in {old.attempt, old.attempt + 1}:
            operator_agent_fake.raise_violation(f"attempt {old.attempt} of {new.name} is followed by {new.attempt}")
        if now is State.RUNNING and was is not State.RUNNING:
            self._start(who, new.world, new.run)
        if now in ACTIVE and was in WAITING and not self.overlapped:
            others = [
                job.name
                for job in map(read_job, self._stage.server.jobs.values())
                if job.uid != new.uid and job.world == new.world and state_of(job.status) in ACTIVE
            ]
            if others:
                operator_agent_fake.raise_violation(f"{new.world} has {new.name} and {others}")

    def _start(self, who: object, world: str, run: str) -> None:
        """A job says that it runs: then the agent of which its operator has last heard must have begun it."""
        assert isinstance(who, OperatorFake)
        now = asyncio.get_running_loop().time()
        known = [(time, incarnation) for time, name, incarnation in who.known if name == world]
        recent = [incarnation for time, incarnation in known if now - time < NEWS_S] + [known[-1][1] if known else ""]
        agents = [self._stage.agents.get(incarnation) for incarnation in recent]
        if len(known) == len(recent) - 1:
            return  # it has only just learned of the world
        before = [incarnation for time, incarnation in known if now - time >= NEWS_S][-1:]
        if len(recent) > 1:
            agents += [self._stage.agents.get(incarnation) for incarnation in before]
        if any(recent) and not any(agent is not None and run in agent.begun for agent in agents):
            operator_agent_fake.raise_violation(f"{run} is said to run, but the agent of {world} has not begun it")

    def forgetting(self, uid: str) -> None:
        """Look at what is removed from the store."""
        if any(job["metadata"]["uid"] == uid for job in self._stage.server.jobs.values()):
            operator_agent_fake.raise_violation(f"what the store has of {uid} is removed, but the job is there")

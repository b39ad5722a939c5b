"""How a life of jobs is played: scenes on a stage whose time is made up, and what every rule needs."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine
from support import operator_agent_fake
from support.operator_agent_fake import AgentFake
from support.operator_clockwork import Clockwork
from support.operator_job_stage import OperatorFake, Stage, WorldFake

from fractal_api.events import Event

T = TypeVar("T")


class Play(RuleBasedStateMachine):
    """A machine without rules."""

    def __init__(self) -> None:
        super().__init__()
        operator_agent_fake.violations.clear()
        self.loop = Clockwork()
        self.loop.set_exception_handler(self.surprised)
        self.stage: Stage
        self.numbers = 0
        self.worlds = 0

    def hear_again(self, world: WorldFake, lines: Sequence[tuple[str, Event]]) -> None:
        """These lines of a world's agents are read once more."""
        for operator in self.stage.operators:
            for incarnation, event in lines:
                operator.hear(world.name, incarnation, event)

    def add_job(self, tiles: int, priority: int) -> None:
        """A new job, which World failures don't end."""
        self.numbers += 1
        self.stage.submit(f"job{self.numbers}", tiles=tiles, priority=priority, backoffLimit=100)

    def resume(self, name: str) -> None:
        """Its owner lets it go on, if it is still there."""
        if name in self.stage.server.jobs:
            self.stage.set_execution(name, suspend=False)

    def succeed(self) -> None:
        """Another operator leads when nobody does any more."""
        if not self.stage.operators:
            self.stage.start_operator()

    def boot(self, world: WorldFake) -> None:
        """A pod comes, if there is none."""
        if self.stage.worlds.get(world.name) is world and world.agent is None:
            world.boot()

    def add_world(self) -> None:
        """A new world."""
        self.worlds += 1
        self.stage.add_world(f"w{self.worlds}")

    def operator(self, pick: int) -> OperatorFake:
        return self.pick(self.stage.operators, pick)

    def world(self, pick: int) -> WorldFake:
        return self.pick(list(self.stage.worlds.values()), pick)

    def busiest_agent(self) -> AgentFake | None:
        """That which has most to render, of those that the operator reaches."""
        agents = [world.agent for world in self.stage.worlds.values() if world.agent and world.agent.reachable]
        return max(agents, key=lambda agent: agent.left, default=None)

    def tiles_left(self) -> int:
        """What that agent has to render."""
        agent = self.busiest_agent()
        return agent.left if agent is not None else 0

    @staticmethod
    def pick(choice: Sequence[T], pick: int) -> T:
        return choice[pick % len(choice)]

    def do(self, change: Callable[[], object], then_s: float = 0.02) -> None:
        """Change something, and let that much time pass."""

        async def scene() -> None:
            change()
            await asyncio.sleep(then_s)

        self.play(scene)

    def play(self, scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Play the scene; what must never happen, and an operator that ends by itself, are errors."""
        self.loop.run_until_complete(scene())
        operator_agent_fake.raise_if_violated()
        for operator in self.stage.operators:
            if operator.task.done() and not operator.task.cancelled():
                raise AssertionError("an operator has ended by itself") from operator.task.exception()

    def surprised(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What nobody caught is a violation, too."""
        if not isinstance(context.get("exception"), operator_agent_fake.ViolationError):
            operator_agent_fake.violations.append(f"{context['message']}: {context.get('exception')!r}")

    def close(self) -> None:
        """End all that goes on."""
        for operator in tuple(self.stage.operators) if hasattr(self, "stage") else ():
            operator.kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.01))
        self.loop.close()

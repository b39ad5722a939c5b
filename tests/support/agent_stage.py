"""An agent among fakes, for the tests of what it does rather than decides."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from support.agent_fakes import FakeStore, FakeWorld

from fractal_api import GROUP, VERSION
from fractal_api.jobs import FractalJobSpec
from fractal_api.manifests import parse_job
from fractal_kernel.agent import notices as n
from fractal_kernel.agent.driver import Agent
from fractal_kernel.agent.ledger import Ledger
from fractal_kernel.agent.orders import Order
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.agent.surroundings import Limits, Surroundings
from fractal_kernel.store.interface import RunKey


def spec(width: int = 100, height: int = 70, block_size: int = 32) -> FractalJobSpec:
    image = {"width": width, "height": height, "blockSize": block_size}
    manifest = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "FractalJob",
        "metadata": {"name": "x"},
        "spec": {"fractal": {"type": "Mandelbrot"}, "image": image},
    }
    return parse_job(manifest).spec


def order(uid: str = "seahorse", attempt: int = 1, *, width: int = 100) -> Order:
    return Order.of(RunKey(install="test", uid=uid, attempt=attempt), spec(width=width))


class Stage:
    """An agent that lives, and what surrounds it."""

    def __init__(self, folder: Path, store: FakeStore, limits: Limits) -> None:
        self.world = FakeWorld()
        self.store = store
        self.notices: list[n.Notice] = []
        self.onlookers: list[n.Onlooker] = [self.notices.append]
        self.ledger = folder / "ledger"
        self.around = Surroundings(
            store=store,
            world=self.world,
            folder=folder,
            ledger=Ledger(self.ledger),
            onlookers=(self._tell,),
            limits=limits,
        )
        self.agent = Agent(self.around)

    def _tell(self, notice: n.Notice) -> None:
        for onlooker in self.onlookers:
            onlooker(notice)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; the test's timeout is the deadline."""
        while not condition():  # noqa: ASYNC110 - conditions are of things that tell nobody when they change
            await asyncio.sleep(0.005)

    async def ended(self, run: str = "seahorse-1") -> RunView:
        return await self.agent.ended_run(run)

    def phases(self, run: str = "seahorse-1") -> list[Phase]:
        return [told.run.phase for told in self.notices if isinstance(told, n.PhaseChanged) and told.run.id == run]


@asynccontextmanager
async def living(stage: Stage) -> AsyncIterator[Stage]:
    life = asyncio.create_task(stage.agent.serve())
    try:
        yield stage
    finally:
        stage.agent.stop(orderly=False)
        await life
        stage.around.ledger.close()

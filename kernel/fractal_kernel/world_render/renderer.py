"""A `Renderer` that keeps an agent, a world and a file store in this process tree, for one picture.

What was stored survives every end of this process: the next call goes on from there. The store's key is the picture's,
so that it doesn't matter what the file or the job were called.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fractal_api.canonical import picture_key
from fractal_api.errors import PermanentError
from fractal_console.rows import RowReader
from fractal_kernel.agent.driver import Agent
from fractal_kernel.agent.ledger import Ledger
from fractal_kernel.agent.mpi_world import MpiWorld, Plan
from fractal_kernel.agent.orders import Order
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.agent.roster import uid_of
from fractal_kernel.agent.session import default_root, open_session
from fractal_kernel.agent.surroundings import Limits, Surroundings
from fractal_kernel.render import Rendered, Sinks, Watch
from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.interface import RunConflict, RunKey
from fractal_kernel.world_render.display import Display

if TYPE_CHECKING:
    from fractal_api.jobs import FractalJobSpec
    from fractal_kernel.world.launch import Mpirun

TICK_S: Final = 0.1
LIMITS: Final = Limits(fruitless=2, store_s=60.0, start_s=30.0, flush_s=0.5)
"""A person waits: what doesn't work is said soon, and Ctrl-C is answered within a second."""

INSTALL: Final = "render"
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RenderFailed(PermanentError):  # noqa: N818 - it names what happened
    """The world could not render the picture."""


class WorldUnavailable(PermanentError):  # noqa: N818 - it names what there isn't
    """No world of ranks could be started here at all."""


class RenderedElsewhere(PermanentError):  # noqa: N818 - it names what is going on
    """Another process renders this very picture."""


def cache_folder() -> Path:
    """Where unfinished pictures lie, by the XDG convention."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return folder / "clusteredfractals" / "renders"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRenderer:
    """Renders a picture by `ranks` processes. `say` tells a person a line; unfinished work lies in the `cache`."""

    spec: "FractalJobSpec"
    mpirun: "Mpirun"
    ranks: int
    say: Callable[[str], None]
    cache: Path = field(default_factory=cache_folder)

    def run(self, sinks: Sinks, watch: Watch) -> Rendered:
        """Render the picture into the sinks; KeyboardInterrupt and errors leave nothing running."""
        caught: list[int] = []
        rendered = asyncio.run(self._run(sinks, watch, caught))
        if rendered is not None:
            return rendered
        if signal.SIGINT in caught:
            raise KeyboardInterrupt
        sys.exit(128 + caught[0])

    async def _run(self, sinks: Sinks, watch: Watch, caught: list[int]) -> Rendered | None:
        """What was rendered, or None when a signal was `caught`."""
        left = asyncio.Event()

        def leave(number: int) -> None:
            caught.append(number)
            left.set()

        started = time.monotonic()
        with _heard(leave):
            async with _household(self) as house:
                view = await self._through(house, watch, left)
                return None if caught else await _hand_over(house, view, sinks, started)

    async def _through(self, house: "_Household", watch: Watch, left: asyncio.Event) -> RunView:
        """The run when it is over, or as far as it is when somebody wants to leave."""
        try:
            view = await house.agent.put(Order.of(_key(self.spec), self.spec))
        except RunConflict as error:
            raise RenderedElsewhere(f"this picture is being rendered already: {error}") from error
        if 0 < view.done < view.total:
            self.say(f"resuming: {view.done} of {view.total} tiles")
        leaving = asyncio.create_task(left.wait())
        while not (view.ended or leaving.done() or house.life.done()):
            watch(house.display.progress(view))
            await asyncio.wait([leaving, house.life], timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
            view = house.agent.seen(view.id)
        leaving.cancel()
        if house.life.done():
            house.life.result()
        return view


@dataclass(frozen=True, slots=True, kw_only=True)
class _Household:
    agent: Agent
    store: FileStore
    display: Display
    life: "asyncio.Task[None]"


@contextlib.asynccontextmanager
async def _household(renderer: WorldRenderer) -> AsyncIterator[_Household]:
    """An agent that lives while the context lasts, and leaves nothing but its store."""
    session = await open_session(default_root())
    store, display, ledger = FileStore(renderer.cache), Display(), Ledger(_ledger_path())
    plan = Plan(mpirun=renderer.mpirun, ranks=renderer.ranks, environment=os.environ)
    around = Surroundings(
        store=store,
        world=MpiWorld(plan, session),
        folder=session.folder,
        ledger=ledger,
        onlookers=(display,),
        limits=LIMITS,
    )
    agent = Agent(around)
    life = asyncio.create_task(agent.serve())
    try:
        yield _Household(agent=agent, store=store, display=display, life=life)
    finally:
        agent.stop(orderly=False)
        await asyncio.wait([life])
        await session.close()
        await store.close()
        ledger.close()


async def _hand_over(house: _Household, view: RunView, sinks: Sinks, started: float) -> Rendered:
    """Write the picture into the sinks and forget it; an error tells why there is none."""
    if view.phase is not Phase.COMPLETE or view.result is None:
        raise (RenderFailed if house.display.world_came else WorldUnavailable)(view.message)
    key = RunKey(install=INSTALL, uid=uid_of(view.id), attempt=view.result.attempt)
    rows = None if sinks.thumbnail is None else RowReader(view.result.width)
    async for chunk in house.store.read_image(key):
        sinks.png.write(chunk)
        if rows is not None and sinks.thumbnail is not None:
            for first_row, rgb in rows.feed(chunk):
                sinks.thumbnail.add(first_row, rgb)
    await house.store.forget(key)
    return Rendered(
        pixels_sha256=view.result.pixels_sha256,
        sha256=view.result.sha256,
        bytes=view.result.bytes,
        max_iterations=view.result.max_iterations,
        seconds=time.monotonic() - started,
    )


@contextlib.contextmanager
def _heard(leave: Callable[[int], None]) -> Iterator[None]:
    """Within the context these signals only call `leave`; one that was ignored stays ignored."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        loop.add_signal_handler(number, leave, number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


def _key(spec: "FractalJobSpec") -> RunKey:
    """Each call is an attempt of its own at the picture: an earlier failure is no reason not to try again."""
    return RunKey(install=INSTALL, uid=picture_key(spec), attempt=int(time.time()))


def _ledger_path() -> Path | None:
    path = os.environ.get("FRACTAL_LEDGER")
    return Path(path) if path else None

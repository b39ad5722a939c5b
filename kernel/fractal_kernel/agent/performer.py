"""Does what `runs` says: speaks to the world, fills the spool, assembles images, closes runs in the store.

It decides nothing. What it finds out it hands back as stimuli.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from fractal_api.errors import FractalError
from fractal_kernel import wire
from fractal_kernel.agent import actions as a
from fractal_kernel.agent import notices as n
from fractal_kernel.agent import stimuli as s
from fractal_kernel.agent.album import Album
from fractal_kernel.agent.assemble import Assembly, TilesLost, assemble
from fractal_kernel.agent.orders import MAX_ITERATIONS, Ended, Order, loss_reason
from fractal_kernel.agent.pace import Pace
from fractal_kernel.agent.phases import FINAL, RunView
from fractal_kernel.agent.tasks import Tasks
from fractal_kernel.store.interface import RunConflict, StoreCorrupt

if TYPE_CHECKING:
    from fractal_kernel.agent.saving import Saver
    from fractal_kernel.agent.surroundings import Surroundings

CLOSING_S: Final = 5.0
"""How long the end of a run waits for the store: what isn't noted then, the next agent finds out anew."""

LIVE_EVERY_S: Final = 1.0
"""Spectators get new figures this often."""


class Mind(Protocol):
    """Who decides."""

    def feed(self, stimulus: s.Stimulus) -> None:
        """This happened."""

    def condemn(self, epoch: int, message: str) -> None:
        """This world is to be ended."""

    @property
    def epoch(self) -> int:
        """The name of the present world."""

    def seen(self, run: str) -> RunView:
        """A run that is known."""


class Performer:
    """The hands of an agent."""

    def __init__(self, around: "Surroundings", mind: Mind, saver: "Saver", tasks: Tasks) -> None:
        self._around = around
        self._mind = mind
        self._saver = saver
        self._tasks = tasks
        self._assembly: asyncio.Task[None] | None = None
        self._live: asyncio.Task[None] | None = None
        self._live_at = 0.0
        self._closings: set[asyncio.Task[None]] = set()
        self._paces: dict[str, Pace] = {}
        self.orders: dict[str, Order] = {}
        self.album = Album(around.limits.album_bytes)
        self.store_door = asyncio.Lock()
        """Runs are opened and closed in the store one at a time: two attempts at a picture share its keys."""

    # ---- what is asked of it ---------------------------------------------------------------------------------------

    def perform(self, action: a.Action) -> None:
        """Do it, or let it begin."""
        _WAYS[type(action)](self, action)

    def pace(self, run: str) -> Pace:
        """The pace of a run; it begins to count when it is first asked for."""
        fresh = Pace(time.monotonic())
        return self._paces.setdefault(run, fresh) if run in self.orders else fresh

    async def closed(self) -> None:
        """Return when the runs that ended are closed in the store."""
        await asyncio.gather(*self._closings)

    # ---- how it does it --------------------------------------------------------------------------------------------

    def _send_run(self, action: a.SendRun) -> None:
        self.pace(action.run)
        message = wire.Run(
            run=action.run,
            definition=self.orders[action.run].definition,
            acknowledged=action.have,
            max_iterations=action.max_iterations,
        )
        self._around.world.send(action.epoch, message)
        if self._mind.seen(action.run).losses:
            self._tasks.begin(self._confirm(self.orders[action.run]))

    async def _confirm(self, order: Order) -> None:
        """Find out whether a run that goes on after a loss is still wanted.

        A newer attempt may have been opened while there was no world, and have stored what would be rendered now.
        """
        async with self.store_door:
            if order.key.id not in self.orders:
                return  # it is over, and to be opened again would hold it
            try:
                await self._around.store.open_run(order.key, order.digest)
            except RunConflict as error:
                self._mind.feed(s.Superseded(run=order.key.id, message=str(error)))
            except FractalError:
                pass  # the store has troubles, of which the next batch tells

    def _send_cancel(self, action: a.SendCancel) -> None:
        self._around.world.send(action.epoch, wire.Cancel(run=action.run))

    def _send_pause(self, action: a.SendPause) -> None:
        self._around.world.send(action.epoch, wire.Pause())

    def _send_resume(self, action: a.SendResume) -> None:
        self._around.world.send(action.epoch, wire.Resume())

    def _keep(self, action: a.KeepTiles) -> None:
        self._saver.add(action.run, action.epoch, action.tiles)
        self._around.tell(n.SpoolChanged(held=self._saver.held))

    def _drop(self, action: a.DropTiles) -> None:
        self._saver.drop(action.run)
        self._around.tell(n.SpoolChanged(held=self._saver.held))

    def _condemn(self, action: a.CondemnWorld) -> None:
        self._mind.condemn(action.epoch, action.message)

    def _begin_remembering(self, action: a.Remember) -> None:
        self._tasks.begin(self._remember(action, self.orders[action.run]))

    async def _remember(self, action: a.Remember, order: Order) -> None:
        fact = {MAX_ITERATIONS: str(action.max_iterations)}
        with suppress(FractalError):  # the next world finds it out anew
            await self._around.store.note(order.key, fact)

    def _begin_assembly(self, action: a.Assemble) -> None:
        self._assembly = self._tasks.begin(self._assemble(action, self.orders[action.run]))

    def _drop_assembly(self, _: a.DropAssembly) -> None:
        if self._assembly is not None:
            self._assembly.cancel()
            self._assembly = None

    async def _assemble(self, action: a.Assemble, order: Order) -> None:
        """Put the image together, and say how that went."""
        assembly = Assembly(
            run=order.key,
            store=self._around.store,
            grid=order.definition.frame.grid,
            texts=order.texts,
            folder=self._around.folder,
            patience=self._around.patience("image", self._around.limits.store_s),
            album=self.album,
        )
        seconds = self.pace(action.run).seconds(time.monotonic())
        try:
            record = await assemble(assembly, max_iterations=action.max_iterations, seconds=seconds)
        except TilesLost as error:
            self.album.drop(action.run)  # one of them may be what is damaged
            self._mind.feed(s.AssemblyFailed(run=action.run, message=str(error), lost=error.lost))
        except StoreCorrupt as error:
            self._mind.feed(s.AssemblyFailed(run=action.run, message=str(error)))
        except FractalError as error:
            self._mind.feed(s.StoreLost(run=action.run, reason=loss_reason(error), message=str(error)))
        else:
            self._mind.feed(s.Assembled(run=action.run, result=record))

    def _begin_closing(self, action: a.Close) -> None:
        order = self.orders.pop(action.run)
        self.album.drop(action.run)
        self._paces.pop(action.run, None)
        task = self._tasks.begin(self._close(order, self._mind.seen(action.run)))
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    async def _close(self, order: Order, run: RunView) -> None:
        store, patience = self._around.store, self._around.patience("close", CLOSING_S)
        async with self.store_door:
            with suppress(FractalError):
                if run.phase in FINAL and run.result is None:
                    ended = Ended(phase=run.phase, reason=run.reason, message=run.message)
                    await patience(lambda: store.note(order.key, ended.fact(order.key.attempt)))
            with suppress(FractalError):
                await patience(lambda: store.release(order.key))

    def _tell_phase(self, action: a.Tell) -> None:
        run = self._mind.seen(action.run)
        if run.phase is not action.phase:
            return  # it has gone on in the same breath, and that is told by the next action
        figures = self._figures(run)
        self._around.tell(n.PhaseChanged(run=run, figures=figures, epoch=self._mind.epoch, recalled=action.recalled))

    def _tell_retry(self, action: a.TellRetry) -> None:
        self._around.tell(n.Retried(run=self._mind.seen(action.run), cause=action.cause, message=action.message))

    def _tell_progress(self, action: a.TellProgress) -> None:
        run = self._mind.seen(action.run)
        figures = self._figures(run)
        self._around.tell(n.Progressed(run=run, figures=figures))
        self._show_live(run, figures)

    def _tell_backpressure(self, action: a.TellBackpressure) -> None:
        self._around.tell(n.HeldUp(run=self._mind.seen(action.run), held_up=action.held_up))

    def _figures(self, run: RunView) -> n.Figures:
        return self.pace(run.id).figures(run, time.monotonic())

    def _show_live(self, run: RunView, figures: n.Figures) -> None:
        """Give spectators new figures, now and then."""
        now = time.monotonic()
        if now - self._live_at < LIVE_EVERY_S or (self._live is not None and not self._live.done()):
            return
        self._live_at = now
        self._live = self._tasks.begin(self._write_live(self.orders[run.id], live_figures(run, figures)))

    async def _write_live(self, order: Order, figures: dict[str, str]) -> None:
        with suppress(FractalError):  # they may be lost
            await self._around.store.write_live(order.key, figures)


def live_figures(run: RunView, figures: n.Figures) -> dict[str, str]:
    """A run's figures for spectators, as the store keeps them."""
    eta = {} if figures.eta_s is None else {"etaSeconds": f"{figures.eta_s:.1f}"}
    return {
        "run": run.id,
        "phase": run.phase,
        "percent": f"{100 * figures.share:.1f}",
        "tilesDone": str(run.done),
        "tilesTotal": str(run.total),
        **eta,
    }


_WAYS: Final[dict[type, Callable[[Performer, Any], None]]] = {
    a.SendRun: Performer._send_run,
    a.SendCancel: Performer._send_cancel,
    a.SendPause: Performer._send_pause,
    a.SendResume: Performer._send_resume,
    a.KeepTiles: Performer._keep,
    a.DropTiles: Performer._drop,
    a.Remember: Performer._begin_remembering,
    a.Assemble: Performer._begin_assembly,
    a.DropAssembly: Performer._drop_assembly,
    a.CondemnWorld: Performer._condemn,
    a.Close: Performer._begin_closing,
    a.Tell: Performer._tell_phase,
    a.TellRetry: Performer._tell_retry,
    a.TellProgress: Performer._tell_progress,
    a.TellBackpressure: Performer._tell_backpressure,
}

"""The agent: it tells the machines of `runs` and `worlds` what happens, and lets done what they say.

Nothing is decided here. The same class serves the master pod (with HTTP and Redis) and `fractal render -n` (without).
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from fractal_api.errors import FractalError
from fractal_kernel.agent import notices as n
from fractal_kernel.agent import stimuli as s
from fractal_kernel.agent import worlds as w
from fractal_kernel.agent.hearing import Hearing
from fractal_kernel.agent.orders import Ended, Ending, Order, OtherPicture, Taken, how_it_stands, loss_reason
from fractal_kernel.agent.performer import CLOSING_S, Performer
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.agent.roster import Verdict
from fractal_kernel.agent.runs import Runs
from fractal_kernel.agent.saving import Saver
from fractal_kernel.agent.spool import Batch, Spool
from fractal_kernel.agent.surroundings import Surroundings
from fractal_kernel.agent.tasks import Tasks
from fractal_kernel.agent.worlds import Cause, State, Worlds
from fractal_kernel.store.interface import RunConflict

TICK_S: Final = 0.5
LETTING_GO_S: Final = 1.0
"""How long an ending agent waits for its world to let go of the run."""


class Agent:
    """Renders runs, one at a time, on one world. `serve` is its life; all else is to be called on the loop's thread."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._runs = Runs(limit=around.limits.fruitless)
        self._worlds = Worlds(start_limit_s=around.limits.start_s)
        self._tasks = Tasks()
        self._spool = Spool(folder=around.folder, capacity=around.limits.spool_bytes)
        self._stimuli: deque[s.Stimulus] = deque()
        self._opening: Counter[str] = Counter()
        self._recalled: set[str] = set()
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._orderly = True
        patience = around.patience("tiles", around.limits.store_s)
        self._saver = Saver(self._spool, self._put_tiles, patience=patience, listener=self)
        self._hands = Performer(around, self, self._saver, self._tasks)

    # ---- for those who want something ------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether a world answers."""
        return self._worlds.state is State.READY and not self._runs.ending

    @property
    def world_state(self) -> State:
        """What the world is doing."""
        return self._worlds.state

    @property
    def active(self) -> list[RunView]:
        """The run that is on, and the next one."""
        return [run.view for run in self._runs.roster.active]

    @property
    def ended(self) -> list[RunView]:
        """The runs that ended here, the oldest first."""
        return [run.view for run in self._runs.roster.ended]

    def view(self, run: str) -> RunView | None:
        """A run, if it is known here."""
        found = self._runs.roster.find(run)
        return found.view if found else None

    async def put(self, order: Order) -> RunView:
        """The run that was ordered: rendered from now on, or known already.

        Taken, Ending, OtherPicture, RunConflict and StoreAway say why it can't be; then nothing has happened.
        """
        run = order.key.id
        self._opening[run] += 1
        try:
            return await self._open(order)
        finally:
            self._opening[run] -= 1
            if not self._opening[run]:
                del self._opening[run]
                self._recalled.discard(run)
                self._changed.set()

    def cancel(self, run: str) -> RunView | None:
        """The run, which is over now; None when it isn't known here. One that is being opened ends when it is."""
        if run in self._opening:
            self._recalled.add(run)
        self.feed(s.Delete(run=run))
        return self.view(run)

    async def take_back(self, run: str) -> RunView | None:
        """As `cancel`, once nothing of the run is to come any more."""
        self.cancel(run)
        await self._until(lambda: run not in self._opening)
        return self.view(run)

    async def ended_run(self, run: str) -> RunView:
        """The run, once it is over."""
        await self._until(lambda: self.seen(run).ended)
        return self.seen(run)

    # ---- its life --------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Keep a world, and render on it, until `stop`."""
        await self._around.world.open(Hearing(self._around, self, self._hands))
        saving = self._tasks.begin(self._saver.run())
        ticking = self._tasks.begin(self._tick())
        watching = asyncio.create_task(self._tasks.watch())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            self.drive(w.Begin())
            await asyncio.wait([watching, stopping], return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            await self._wind_down()
        finally:
            for task in (saving, ticking, watching, stopping):
                task.cancel()
            await self._around.world.end(self._worlds.epoch, orderly=False)
            await self._tasks.finish(0.0)
            await self._around.world.close()
            self._spool.close()

    def stop(self, *, orderly: bool = True) -> None:
        """End: keep what was rendered, report Interrupted. Unless `orderly`, the world is not asked but killed."""
        self._orderly = self._orderly and orderly
        self._stop.set()

    async def _wind_down(self) -> None:
        self.feed(s.Terminate())
        with suppress(TimeoutError):
            async with asyncio.timeout(LETTING_GO_S):
                await self._until(lambda: self._runs.world_holds is None)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._around.limits.flush_s):
                await self._saver.flushed()
        self.feed(s.Flushed())
        self.drive(w.Finish(orderly=self._orderly))
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                await self._until(lambda: self._worlds.state is State.STOPPED)
                await self._hands.closed()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.drive(w.Tick(stopped=self._around.world.stands_still))
            self.feed(s.Clock())

    # ---- how the saving goes (`saving.Listener`) -------------------------------------------------------------------

    def saved(self, batch: Batch) -> None:
        """The store has these tiles for good."""
        self._around.ledger.acknowledged(batch.entries)
        self.drive(w.Progress())
        self.feed(s.Acknowledged(run=batch.run, tiles=[entry.tile for entry in batch.entries]))
        self._around.tell(n.SpoolChanged(held=self._spool.held))

    def spool_full(self) -> None:
        """No more tiles should come."""
        self.feed(s.SpoolFull())

    def spool_roomy(self) -> None:
        """Tiles may come again."""
        self.feed(s.SpoolRoom())

    def store_lost(self, run: str, error: FractalError) -> None:
        """The tiles of this run can't be saved, now or ever."""
        if isinstance(error, RunConflict):
            self.feed(s.Superseded(run=run, message=str(error)))
        else:
            self.feed(s.StoreLost(run=run, reason=loss_reason(error), message=str(error)))

    # ---- the machines ----------------------------------------------------------------------------------------------

    def feed(self, stimulus: s.Stimulus) -> None:
        """Let the machine of runs decide, and do it. What happens meanwhile waits: actions stay in order."""
        self._stimuli.append(stimulus)
        if len(self._stimuli) > 1:
            return
        try:
            while self._stimuli:
                for action in self._runs.handle(self._stimuli[0], time.monotonic()):
                    self._hands.perform(action)
                self._stimuli.popleft()
        finally:
            self._stimuli.clear()  # or after an unexpected error nothing would ever be performed again
            self._changed.set()

    def condemn(self, epoch: int, message: str) -> None:
        """End a world that doesn't do what it was told."""
        self.drive(w.Fault(epoch=epoch, cause=Cause.CONDEMNED, message=message))

    @property
    def epoch(self) -> int:
        """The name of the present world, or of the last one."""
        return self._worlds.epoch

    def seen(self, run: str) -> RunView:
        """A run that is known here."""
        found = self._runs.roster.find(run)
        if found is None:
            raise KeyError(run)
        return found.view

    def drive(self, stimulus: w.Stimulus) -> None:
        """Let the machine of worlds decide, and do it."""
        # Milliseconds make epochs grow from agent to agent, too.
        for action in self._worlds.handle(stimulus, time.monotonic(), new_epoch=time.time_ns() // 1_000_000):
            match action:
                case w.Spawn():
                    self._tasks.begin(self._around.world.start(action.epoch))
                case w.End():
                    self._tasks.begin(self._end_world(action))
                case w.Up():
                    self.feed(s.WorldReady(epoch=action.epoch))
                case w.Lost():
                    self._around.tell(n.WorldDown(epoch=action.epoch, cause=action.cause, message=action.message))
                    self.feed(s.WorldLost(cause=action.cause, message=action.message))
        self._changed.set()

    async def _end_world(self, action: w.End) -> None:
        await self._around.world.end(action.epoch, orderly=action.orderly)
        self.drive(w.Gone(epoch=action.epoch))

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _admit(self, order: Order) -> bool:
        """Whether the run is to be opened: it is not known here, and there is a place for it."""
        run, roster = order.key.id, self._runs.roster
        match roster.admit(run, order.digest):
            case Verdict.KNOWN:
                return False
            case Verdict.DIFFERENT:
                raise OtherPicture(run)
            case Verdict.BUSY:
                raise Taken(tuple(active.id for active in roster.active))
            case Verdict.FREE:
                if self._runs.ending:
                    raise Ending
                return True

    async def _open(self, order: Order) -> RunView:
        run = order.key.id
        async with self._hands.store_door:
            if not self._admit(order):
                return self.seen(run)
            stored = await self._around.store.open_run(order.key, order.digest)
            if run in self._recalled:
                # Whoever put it may have gone; nobody would take it back again.
                stored = replace(stored, facts={**await self._note_cancelled(order), **stored.facts})
            self._hands.orders[run] = order
            self.feed(how_it_stands(order, stored))
            if self.seen(run).ended:
                await self._release(order)
            return self.seen(run)

    async def _note_cancelled(self, order: Order) -> Mapping[str, str]:
        """The fact that the attempt was taken back; the store may have to do without."""
        fact = Ended(phase=Phase.CANCELLED, reason="", message="").fact(order.key.attempt)
        with suppress(FractalError):
            await self._around.store.note(order.key, fact)
        return fact

    async def _release(self, order: Order) -> None:
        self._hands.orders.pop(order.key.id, None)
        with suppress(FractalError):
            await self._around.store.release(order.key)

    async def _put_tiles(self, run: str, tiles: Sequence[tuple[int, bytes]]) -> None:
        await self._around.store.put_tiles(self._hands.orders[run].key, tiles)
        if run in self._hands.orders:
            self._hands.album.keep(run, tiles)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

"""An agent with its world, as the operator meets it: answers and lines like the real one's, tiles in made-up time.

It judges, too: no tile that the store has acknowledged may be rendered again, by whomever. What two worlds render at
the same time, since one of them is cut off, is acknowledged once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from support.operator_store_fake import CHUNK, StoreAway, StoreCorrupt, StoreFake, picture_of, record_of

from fractal_api import events as e
from fractal_api import storage
from fractal_kernel.store.interface import RunConflict
from fractal_operator.core import answers as w

TILE_S: Final = 1.0
STORE_LIMIT_S: Final = 600.0
TILE_WIDTH: Final = 100
FRUITLESS: Final = 2


class ViolationError(AssertionError):
    """Something happened that must never happen."""


@dataclass
class RunFake:
    """A run at the agent."""

    id: str
    uid: str
    attempt: int
    total: int
    done: set[int]
    phase: w.Phase = w.Phase.QUEUED
    reason: str = ""
    message: str = ""
    task: asyncio.Task[None] | None = None

    @property
    def view(self) -> w.RunSeen:
        return w.RunSeen(
            run=self.id,
            phase=self.phase,
            tiles_done=len(self.done),
            tiles_total=self.total,
            reason=self.reason,
            message=self.message,
        )


class AgentFake:
    """One incarnation of a world's agent. `say` takes its lines; `faults` are the next runs' failures."""

    def __init__(self, incarnation: str, epoch: int, store: StoreFake, say: Callable[[str, e.Event], None]) -> None:
        self.incarnation = incarnation
        self.epoch = epoch
        self.store = store
        self.alive = True
        self.reachable = True
        self.heard = True
        """Whether its lines reach anybody."""
        self.ending = False
        self.active: list[RunFake] = []
        self.ended: dict[str, RunFake] = {}
        self.begun: set[str] = set()
        self.faults: list[str] = []
        self.tile_s = TILE_S
        self._say = say

    @property
    def left(self) -> int:
        """Tiles that the run that is on still lacks."""
        return self.active[0].total - len(self.active[0].done) if self.active else 0

    def do(self, errand: w.Errand) -> w.Answer:
        """What it answers."""
        match errand:
            case w.Inspect():
                return w.RunsSeen(runs=tuple(run.view for run in self._known()), epoch=self.epoch)
            case w.Ask():
                run = self._find(errand.run)
                return run.view if run else w.NoSuchRun()
            case w.Cancel():
                return self._cancel(errand.run)
            case w.Put():
                return self._put(errand)

    def kill(self) -> None:
        """Its process dies; what is acknowledged stays in the store."""
        self.alive = False
        for run in self.active:
            if run.task:
                run.task.cancel()
        self.active.clear()

    def restart_inside(self) -> None:
        """Its container is restarted: the same pod, an empty memory."""
        self.kill()
        self.ended.clear()
        self.alive, self.epoch = True, self.epoch + 1

    def come_back(self) -> None:
        """The operator reaches it again, and its ranks are as fast as ever."""
        self.reachable, self.heard, self.tile_s = True, True, TILE_S

    def terminate(self) -> None:
        """SIGTERM: its runs are interrupted, and it takes no more."""
        self.ending = True
        for run in tuple(self.active):
            self._end(run, w.Phase.INTERRUPTED)

    def _known(self) -> list[RunFake]:
        return [*self.active, *self.ended.values()]

    def _find(self, run: str) -> RunFake | None:
        return next((known for known in self._known() if known.id == run), None)

    def _cancel(self, run: str) -> w.Answer:
        known = self._find(run)
        if known is None:
            return w.NoSuchRun()
        if known in self.active:
            self._end(known, w.Phase.CANCELLED)
        return known.view

    def _put(self, put: w.Put) -> w.Answer:
        known = self._find(put.run)
        if known is not None and known.phase is not w.Phase.INTERRUPTED:
            return known.view
        if self.ending:
            return w.Later(word="Ending", message="it is about to end", after_s=5.0)
        uid = put.run.rpartition("-")[0]
        if len(self.active) == 2 or any(run.uid == uid for run in self.active):
            return w.Busy(runs=tuple(run.id for run in self.active))
        return self._open(put, uid)

    def _open(self, put: w.Put, uid: str) -> w.Answer:
        total = max(1, put.spec.get("image", {}).get("width", TILE_WIDTH) // TILE_WIDTH)
        try:
            done = self.store.open_run(uid, put.attempt)
        except StoreAway:
            return w.Later(word="StoreAway", message="its store does not answer", after_s=5.0)
        except RunConflict as error:
            return w.Refused(word="RunConflict", message=str(error))
        run = RunFake(id=put.run, uid=uid, attempt=put.attempt, total=total, done=done)
        self.ended.pop(put.run, None)
        if self.store.result(uid) is not None:
            run.phase = w.Phase.COMPLETE
            self.ended[run.id] = run
        elif put.run in self.store.ended:
            phase, run.reason = self.store.ended[put.run]
            run.phase = w.Phase(phase)
            self.ended[run.id] = run
        else:
            self.active.append(run)
            self._advance()
        return run.view

    def _advance(self) -> None:
        if self.active and self.active[0].task is None:
            self.active[0].task = asyncio.get_running_loop().create_task(self._render(self.active[0]))

    async def _render(self, run: RunFake) -> None:
        await asyncio.sleep(0.01)
        run.phase = w.Phase.RENDERING
        self.begun.add(run.id)
        self._tell(e.Started(run=run.id, epoch=self.epoch, tiles_done=len(run.done), tiles_total=run.total))
        if self.faults:
            reason = self.faults.pop(0)
            await asyncio.sleep(0.5)
            run.reason, run.message = reason, "as the test wanted it"
            self._end(run, w.Phase.FAILED)
            return
        try:
            await self._tiles(run)
            await self._assemble(run)
        except StoreAway:
            run.reason, run.message = "StoreAway", "the store was away for too long"
            self._end(run, w.Phase.FAILED)
        except RunConflict as error:
            run.reason, run.message = "RunConflict", str(error)
            self._end(run, w.Phase.CANCELLED)

    async def _tiles(self, run: RunFake) -> None:
        for tile in range(run.total):
            if tile in run.done:
                continue
            if self.store.has(run.uid, tile):
                raise_violation(f"{self.incarnation} renders tile {tile} of {run.id}, which is acknowledged")
            await asyncio.sleep(self.tile_s)
            await self._patiently(partial(self._put_tile, run, tile))
            run.done.add(tile)
            self._tell(
                e.Progress(
                    run=run.id,
                    percent=100 * len(run.done) // run.total,
                    tiles_done=len(run.done),
                    tiles_total=run.total,
                    eta_seconds=1.0,
                )
            )

    def _put_tile(self, run: RunFake, tile: int) -> None:
        known = self.store.has(run.uid, tile)
        self.store.put_tile(run.uid, run.attempt, tile)
        if known:
            raise_violation(f"tile {tile} of {run.id} is acknowledged twice")

    async def _assemble(self, run: RunFake) -> None:
        run.phase = w.Phase.ASSEMBLING
        for attempt in range(FRUITLESS + 1):
            try:
                await self._commit(run)
            except StoreCorrupt as error:
                if attempt == FRUITLESS:
                    run.reason, run.message = "AssemblyFailed", str(error)
                    self._end(run, w.Phase.FAILED)
                    return
            else:
                break
        self._end(run, w.Phase.COMPLETE)

    async def _commit(self, run: RunFake) -> None:
        data, record = picture_of(run.uid), record_of(run.uid, run.attempt)
        for number in range(record.chunks):
            piece = data[number * CHUNK : (number + 1) * CHUNK]
            await asyncio.sleep(0.01)
            await self._patiently(partial(self.store.put_chunk, run.uid, run.attempt, number, piece))
        for step in storage.plan_commit(self.store.keys(run.uid), record):
            await asyncio.sleep(0.05)
            await self._patiently(partial(self.store.commit_step, step))

    async def _patiently(self, call: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            try:
                call()
            except StoreAway:
                if loop.time() - start > STORE_LIMIT_S:
                    raise
                await asyncio.sleep(2.0)
            else:
                return

    def _end(self, run: RunFake, phase: w.Phase) -> None:
        run.phase = phase
        if run.task and run.task is not asyncio.current_task():
            run.task.cancel()
        if run in self.active:
            self.active.remove(run)
        self.ended[run.id] = run
        match phase:
            case w.Phase.COMPLETE:
                self._tell(_completed(run))
            case w.Phase.FAILED:
                self.store.note_end(run.id, phase, run.reason)
                self._tell(e.Failed(run=run.id, reason=run.reason, message=run.message))
            case w.Phase.CANCELLED:
                self.store.note_end(run.id, phase, run.reason)
                self._tell(e.Cancelled(run=run.id, message=run.message or None))
            case _:
                self._tell(e.Interrupted(run=run.id, message="its agent ends"))
        self._advance()

    def _tell(self, event: e.Event) -> None:
        if self.alive:
            self._say(self.incarnation, event)


def _completed(run: RunFake) -> e.Completed:
    record = record_of(run.uid, run.attempt)
    return e.Completed(
        run=run.id,
        sha256=record.sha256,
        pixels_sha256=record.pixels_sha256,
        bytes=record.bytes,
        width=record.width,
        height=record.height,
        seconds=record.seconds,
        max_iterations=record.max_iterations,
    )


violations: list[str] = []


def raise_violation(message: str) -> None:
    """Note it, since a task's exception might be seen by nobody, and raise it."""
    violations.append(message)
    raise ViolationError(message)


def raise_if_violated() -> None:
    """Raise what was noted first, if anything was."""
    if violations:
        raise ViolationError(violations[0])

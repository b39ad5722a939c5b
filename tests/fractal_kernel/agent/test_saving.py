"""Tiles on their way from the world through the spool to the store."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fractal_api.errors import FractalError
from fractal_kernel.agent.patience import OutOfPatience, Patience
from fractal_kernel.agent.saving import Saver
from fractal_kernel.agent.spool import BATCH_TILES, Batch, Spool
from fractal_kernel.store.interface import RunConflict, StoreAway


class Desk:
    """A store that takes tiles when it is open, and who is told how the saving goes."""

    def __init__(self, folder: Path, *, capacity: int = 100, resident: int = 50, limit_s: float = 60.0) -> None:
        self.spool = Spool(folder=folder, capacity=capacity, resident=resident)
        self.saver = Saver(self.spool, self.put, patience=Patience(limit_s=limit_s), listener=self)
        self.open = asyncio.Event()
        self.open.set()
        self.errors: list[FractalError] = []
        self.calls = 0
        self.called = asyncio.Event()
        self.stored: list[tuple[str, int, bytes]] = []
        self.batches: list[int] = []
        self.told: list[str] = []

    async def put(self, run: str, tiles: Sequence[tuple[int, bytes]]) -> None:
        self.calls += 1
        self.called.set()
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.stored += [(run, tile, blob) for tile, blob in tiles]

    def saved(self, batch: Batch) -> None:
        self.batches.append(len(batch.entries))

    def spool_full(self) -> None:
        self.told.append("full")

    def spool_roomy(self) -> None:
        self.told.append("roomy")

    def store_lost(self, run: str, error: FractalError) -> None:
        self.told.append(f"{run} lost: {error}")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.saver.run())
        yield
        task.cancel()
        await asyncio.wait([task])
        self.spool.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_tiles_reach_the_store_in_their_order_and_in_few_batches(desk: Desk) -> None:
    desk.open.clear()
    async with desk.working():
        for tile in range(20):
            desk.saver.add("a", 1, [(tile, bytes([tile]) * 5)])
            await asyncio.sleep(0)
        desk.open.set()
        await desk.saver.flushed()
        assert desk.stored == [("a", tile, bytes([tile]) * 5) for tile in range(20)]
        assert len(desk.batches) <= 3


async def test_a_batch_is_of_one_run_and_not_endless(desk: Desk) -> None:
    for tile in range(BATCH_TILES + 1):
        desk.saver.add("a", 1, [(tile, b"")])
    desk.saver.add("b", 1, [(0, b"")])
    async with desk.working():
        await desk.saver.flushed()
    assert desk.batches == [BATCH_TILES, 1, 1]


async def test_a_full_spool_is_told_once_and_room_when_half_of_it_is_empty(desk: Desk) -> None:
    desk.open.clear()
    async with desk.working():
        for tile in range(12):
            desk.saver.add("a", 1, [(tile, bytes(10))])
        assert desk.told == ["full"]
        assert desk.spool.held == 120
        desk.open.set()
        await desk.saver.flushed()
        assert desk.told == ["full", "roomy"]
        assert desk.spool.held == 0


async def test_a_store_that_is_away_for_a_while_loses_nothing(desk: Desk) -> None:
    desk.errors = [StoreAway("no answer"), StoreAway("no answer")]
    async with desk.working():
        desk.saver.add("a", 1, [(0, b"x")])
        await desk.saver.flushed()
        assert desk.stored == [("a", 0, b"x")]
        assert desk.calls == 3


async def test_a_store_that_stays_away_loses_the_run_but_not_the_next_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path, limit_s=0.0)
    desk.errors = [StoreAway("no answer")]
    desk.saver.add("a", 1, [(0, b"x")])
    desk.saver.add("b", 1, [(0, b"y")])
    async with desk.working():
        await desk.saver.flushed()
    assert desk.stored == [("b", 0, b"y")]
    assert desk.told == ["a lost: no answer (waited 0 s)"]


async def test_a_run_that_another_process_took_is_lost_at_once(desk: Desk) -> None:
    desk.errors = [RunConflict("taken")]
    async with desk.working():
        desk.saver.add("a", 1, [(0, b"x")])
        await desk.saver.flushed()
        assert desk.told == ["a lost: taken"]
        assert desk.calls == 1


async def test_a_dropped_run_is_neither_saved_nor_acknowledged(desk: Desk) -> None:
    desk.open.clear()
    async with desk.working():
        desk.saver.add("a", 1, [(0, b"x")])
        desk.saver.add("b", 1, [(0, b"y")])
        await desk.called.wait()
        desk.saver.drop("a")
        desk.open.set()
        await desk.saver.flushed()
        assert desk.batches == [1]
        assert desk.spool.held == 0


async def test_a_full_disk_pauses_rendering_and_keeps_what_came(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    desk.open.clear()
    async with desk.working():
        monkeypatch.setattr(os, "pwrite", full)
        for tile in range(6):
            desk.saver.add("a", 1, [(tile, bytes([tile]) * 10)])
        assert desk.told == ["full"]
        desk.open.set()
        await desk.saver.flushed()
        assert desk.told == ["full", "roomy"]
        assert [tile for _, tile, _ in desk.stored] == list(range(6))


async def test_patience_tells_of_trouble_and_of_its_end() -> None:
    told: list[str] = []
    errors = [StoreAway("first"), StoreAway("second")]

    async def call() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    assert await Patience(limit_s=60, trouble=lambda error: told.append(str(error)))(call) == "done"
    assert told == ["first", "second", "None"]


async def test_patience_has_an_end() -> None:
    async def call() -> None:
        raise StoreAway("no answer")

    with pytest.raises(OutOfPatience, match=r"no answer \(waited 0 s\)") as ended:
        await Patience(limit_s=0.05)(call)
    assert isinstance(ended.value.cause, StoreAway)

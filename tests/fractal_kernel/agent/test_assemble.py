"""Images from stored tiles, however the picture is cut."""

import asyncio
import hashlib
import io
import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.agent_fakes import FakeStore, pixels_of, tile_of

from fractal_api.storage import CHUNK_BYTES
from fractal_api.tiling import Rect, TileGrid
from fractal_kernel.agent import assemble as module
from fractal_kernel.agent.album import Album
from fractal_kernel.agent.assemble import Assembly, TilesLost, assemble
from fractal_kernel.agent.collector import Collector
from fractal_kernel.agent.patience import Patience
from fractal_kernel.store.interface import RunKey

RUN = RunKey(install="test", uid="picture", attempt=3)


async def stored(grid: TileGrid) -> FakeStore:
    store = FakeStore()
    await store.open_run(RUN, "sha")
    await store.put_tiles(RUN, [tile_of(grid, index) for index in range(len(grid))])
    return store


def assembly(grid: TileGrid, store: FakeStore, folder: Path) -> Assembly:
    return Assembly(run=RUN, store=store, grid=grid, texts={"a": "b"}, folder=folder, patience=Patience(limit_s=1))


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        pytest.param(64, 64, 64, id="one tile, one band"),
        pytest.param(1, 1, 1, id="one pixel"),
        pytest.param(130, 70, 32, id="tiles smaller than a band, clipped"),
        pytest.param(130, 200, 100, id="tiles that end inside bands"),
        pytest.param(70, 300, 256, id="tiles of several bands"),
        pytest.param(40, 130, 3, id="many small tiles"),
        pytest.param(900, 700, 512, id="several chunks"),
    ],
)
async def test_the_image_is_the_picture_however_it_is_cut(tmp_path: Path, width: int, height: int, size: int) -> None:
    grid = TileGrid(width=width, height=height, size=size)
    store = await stored(grid)
    record = await assemble(assembly(grid, store, tmp_path), max_iterations=7, seconds=1.5)
    image = b"".join([chunk async for chunk in store.read_image(RUN)])
    expected = pixels_of(Rect(0, 0, width, height))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(image))), expected)
    assert record.pixels_sha256 == hashlib.sha256(expected.tobytes()).hexdigest()
    assert (record.bytes, record.chunks) == (len(image), -(-len(image) // CHUNK_BYTES))
    assert (record.attempt, record.max_iterations, record.seconds) == (3, 7, 1.5)
    assert (record.width, record.height) == (width, height)


@pytest.mark.parametrize(
    ("part", "large", "bands"),
    [
        pytest.param(1, 1 << 20, 1, id="a tile at a time"),
        pytest.param(3 * 32**2 * 3, 1 << 20, 1 << 20, id="pieces of a row"),
        pytest.param(3 * 32**2 * 3, 100, 1 << 14, id="pieces that count as large"),
    ],
)
async def test_the_image_is_the_same_whatever_is_worked_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int, large: int, bands: int
) -> None:
    for name, value in (("PART_BYTES", part), ("LARGE_BYTES", large), ("BANDS_BYTES", bands)):
        monkeypatch.setattr(module, name, value)
    for grid in (TileGrid(width=310, height=200, size=32), TileGrid(width=310, height=300, size=150)):
        record = await assemble(assembly(grid, await stored(grid), tmp_path), max_iterations=7, seconds=1.5)
        expected = pixels_of(Rect(0, 0, grid.width, grid.height))
        assert record.pixels_sha256 == hashlib.sha256(expected.tobytes()).hexdigest()


async def test_of_large_tiles_one_is_taken_apart_and_one_more_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, held, most = TileGrid(width=640, height=640, size=128), 0, 0
    store = await stored(grid)
    monkeypatch.setattr(module, "PART_BYTES", 1)
    monkeypatch.setattr(module, "LARGE_BYTES", 1000)
    add = Collector.add

    def count(call: str) -> None:
        nonlocal held, most
        if call == "get_tile":
            held += 1
            most = max(most, held)

    def slowly(collector: Collector, blobs: Sequence[bytes]) -> None:
        nonlocal held
        time.sleep(0.005)  # so that another tile would come in the meantime
        add(collector, blobs)
        held -= len(blobs)

    store.trouble = count
    monkeypatch.setattr(Collector, "add", slowly)
    await assemble(assembly(grid, store, tmp_path), max_iterations=7, seconds=1.5)
    assert (held, most) == (0, 2)


async def test_tiles_in_memory_and_tiles_of_the_store_make_one_image(tmp_path: Path) -> None:
    grid = TileGrid(width=130, height=200, size=32)
    store = await stored(grid)
    kept = [3, 4, 9, 20, len(grid) - 1]
    album = Album()
    album.keep(RUN.id, [(tile, store.tiles["picture"].pop(tile)) for tile in kept])
    record = await assemble(replace(assembly(grid, store, tmp_path), album=album), max_iterations=7, seconds=1.5)
    assert record.pixels_sha256 == hashlib.sha256(pixels_of(Rect(0, 0, 130, 200)).tobytes()).hexdigest()


async def test_every_lost_or_damaged_tile_is_named(tmp_path: Path) -> None:
    grid = TileGrid(width=100, height=100, size=32)
    store = await stored(grid)
    tiles = store.tiles["picture"]
    del tiles[2]
    tiles[5] = tiles[6]
    tiles[9] = tiles[9][:-1] + bytes([tiles[9][-1] ^ 1])
    with pytest.raises(TilesLost, match="3 tiles can't be read back, among them tile 2") as lost:
        await assemble(assembly(grid, store, tmp_path), max_iterations=7, seconds=1.5)
    assert lost.value.lost == {2, 5, 9}


async def test_a_cancelled_assembly_leaves_no_work_behind(tmp_path: Path) -> None:
    grid = TileGrid(width=6000, height=2000, size=500)
    store = await stored(grid)
    halfway = asyncio.Event()
    reads = itertools.count()

    def look(call: str) -> None:
        if call == "get_tile" and next(reads) == len(grid) // 2:
            halfway.set()

    store.trouble = look
    assembling = asyncio.create_task(assemble(assembly(grid, store, tmp_path), max_iterations=7, seconds=1.5))
    await halfway.wait()
    assembling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await assembling
    assert asyncio.all_tasks() == {asyncio.current_task()}
    deadline = time.monotonic() + 10
    while at_work := [thread.name for thread in threading.enumerate() if thread.name.startswith("image")]:
        assert time.monotonic() < deadline, at_work
        await asyncio.sleep(0.01)

"""Bands from tiles, however those lie."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fractal_api.tiles import band_spans, encode_tile, join_tile
from fractal_api.tiling import Rect, TileGrid, band_count, band_rows
from fractal_kernel.agent.collector import Collector, LostTile, bands_within
from fractal_kernel.agent.shelf import Item, Shelf
from fractal_kernel.image.slabs import deflate

GRIDS = st.builds(TileGrid, width=st.integers(1, 200), height=st.integers(1, 200), size=st.integers(8, 150))


def tile_by_ranks(rect: Rect, pixels: NDArray[np.uint8], index: int) -> bytes:
    """A tile as ranks make it, whose slabs can be inflated together."""
    rows = [slice(row - rect.y, row - rect.y + rows) for _, row, rows in band_spans(rect)]
    return join_tile(rect, [deflate(pixels[part]) for part in rows], index=index)


@given(grid=GRIDS, seed=st.integers(0, 100), strangers=st.sampled_from([0.0, 0.2, 1.0]))
def test_a_band_is_complete_with_the_last_tile_that_it_crosses_and_has_the_rows_of_the_picture(
    tmp_path_factory: pytest.TempPathFactory, grid: TileGrid, seed: int, strangers: float
) -> None:
    chance = np.random.default_rng(seed)
    picture = chance.integers(0, 256, (grid.height, grid.width, 3), dtype=np.uint8)
    collector, band = Collector(grid, Shelf(resident=1 << 20, folder=tmp_path_factory.getbasetemp())), 0
    for tile, rect in enumerate(grid):
        pixels = np.ascontiguousarray(picture[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width])
        stranger = chance.random() < strangers
        blob = encode_tile(rect, pixels.data, index=tile) if stranger else tile_by_ranks(rect, pixels, tile)
        collector.add([blob])
        whole_rows = grid.tile(tile + 1).y if tile + 1 < len(grid) else grid.height
        assert bands_within(grid, tile + 1) == sum(
            band_rows(number, grid.height).stop <= whole_rows for number in range(band_count(grid.height))
        )
        while band < bands_within(grid, tile + 1):
            rows = band_rows(band, grid.height)
            np.testing.assert_array_equal(collector.take(band), picture[rows.start : rows.stop])
            band += 1
    assert band == band_count(grid.height)


@pytest.mark.parametrize(
    "slab",
    [
        pytest.param(b"junk", id="no zlib stream"),
        pytest.param(zlib.compress(bytes(3 * 64 - 1)), id="too short"),
        pytest.param(zlib.compress(bytes(3 * 64 + 1)), id="too long"),
        pytest.param(zlib.compress(bytes(3 * 64)) + b"more", id="with something behind"),
    ],
)
def test_a_slab_that_does_not_hold_its_pixels_is_a_lost_tile(tmp_path: Path, slab: bytes) -> None:
    collector = Collector(TileGrid(width=8, height=8, size=8), Shelf(resident=1 << 20, folder=tmp_path))
    collector.add([join_tile(Rect(0, 0, 8, 8), [slab], index=0)])
    with pytest.raises(LostTile, match="tile 0: "):
        collector.take(0)


def test_a_slab_that_was_damaged_while_it_waited_is_a_lost_tile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, shelf = TileGrid(width=44, height=8, size=8), Shelf(resident=1 << 20, folder=tmp_path)
    collector, pixels = Collector(grid, shelf), np.full((8, 8, 3), 7, dtype=np.uint8)
    collector.add([tile_by_ranks(rect, pixels[:, : rect.width].copy(), index) for index, rect in enumerate(grid)])
    whole = shelf.take

    def rotten(item: Item) -> bytes:
        slabs = bytearray(whole(item))
        slabs[len(slabs) // 2] ^= 1  # of five slabs alike, the one in the middle
        return bytes(slabs)

    monkeypatch.setattr(shelf, "take", rotten)
    with pytest.raises(LostTile, match="tile 2: "):
        collector.take(0)


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(encode_tile(Rect(8, 0, 8, 8), bytes(192), index=1), id="the next tile"),
        pytest.param(encode_tile(Rect(0, 0, 8, 4), bytes(96), index=0), id="a part of the tile"),
    ],
)
def test_what_is_not_the_next_tile_is_a_lost_tile(tmp_path: Path, blob: bytes) -> None:
    collector = Collector(TileGrid(width=16, height=8, size=8), Shelf(resident=1 << 20, folder=tmp_path))
    with pytest.raises(LostTile, match="tile 0: "):
        collector.add([blob])

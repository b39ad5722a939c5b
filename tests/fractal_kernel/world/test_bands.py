"""A band is put together from the slabs of the tiles that it crosses, however those lie."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_api.errors import TileError
from fractal_api.tiles import encode_tile, slabs
from fractal_api.tiling import BAND_ROWS, TileGrid, band_count, band_rows
from fractal_kernel.world.bands import band_pixels, slab_rects

GRIDS = st.builds(TileGrid, width=st.integers(1, 200), height=st.integers(1, 200), size=st.integers(8, 150))


@given(grid=GRIDS, seed=st.integers(0, 100))
def test_the_bands_of_a_picture_are_its_rows(grid: TileGrid, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (grid.height, grid.width, 3), dtype=np.uint8)
    bands: dict[int, list[memoryview]] = {}
    for index, rect in enumerate(grid):
        pixels = np.ascontiguousarray(picture[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width])
        for slab in slabs(encode_tile(rect, pixels.data, index=index)):
            bands.setdefault(slab.band, []).append(slab.data)
    assert list(bands) == list(range(band_count(grid.height)))
    for band, data in bands.items():
        rows = band_rows(band, grid.height)
        np.testing.assert_array_equal(band_pixels(grid, band, data), picture[rows.start : rows.stop])


@given(grid=GRIDS)
def test_the_slabs_of_all_bands_cover_the_picture_once(grid: TileGrid) -> None:
    covered = np.zeros((grid.height, grid.width), dtype=int)
    for band in range(band_count(grid.height)):
        for rect in slab_rects(grid, band):
            assert rect.y // BAND_ROWS == (rect.y + rect.height - 1) // BAND_ROWS == band
            covered[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([], id="too few"),
        pytest.param([b"junk"], id="no zlib stream"),
        pytest.param([zlib.compress(bytes(3 * 64 - 1))], id="too short"),
        pytest.param([zlib.compress(bytes(3 * 64 + 1))], id="too long"),
    ],
)
def test_what_are_not_the_slabs_of_the_band_is_an_error(data: list[bytes]) -> None:
    with pytest.raises(TileError):
        band_pixels(TileGrid(width=8, height=8, size=8), 0, data)

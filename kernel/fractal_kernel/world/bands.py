"""The pixels of a PNG band, put together from the slabs of the tiles that it crosses. Pure."""

from typing import TYPE_CHECKING

import numpy as np

from fractal_api.errors import TileError
from fractal_api.tiles import CHANNELS
from fractal_api.tiling import Rect, TileGrid, band_rows
from fractal_kernel.image.slabs import inflate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fractal_kernel.wire import Blob


def slab_rects(grid: TileGrid, band: int) -> list[Rect]:
    """The slabs of a band, as rectangles of the picture: rows of tiles from the top, in each from left to right."""
    rows = band_rows(band, grid.height)
    first, last = rows.start // grid.size, (rows.stop - 1) // grid.size
    tiles = [grid.tile(index) for index in range(first * grid.columns, (last + 1) * grid.columns)]
    tops = [max(tile.y, rows.start) for tile in tiles]
    ends = [min(tile.y + tile.height, rows.stop) for tile in tiles]
    return [Rect(tile.x, top, tile.width, end - top) for tile, top, end in zip(tiles, tops, ends, strict=True)]


def band_pixels(grid: TileGrid, band: int, slabs: "Sequence[Blob]") -> "NDArray[np.uint8]":
    """The pixels of a band, shape (rows, width, 3), from its deflated slabs; TileError when they are not its slabs."""
    rows = band_rows(band, grid.height)
    rects = slab_rects(grid, band)
    if len(slabs) != len(rects):
        raise TileError(f"band {band} consists of {len(rects)} slabs, not {len(slabs)}")
    rgb = np.empty((len(rows), grid.width, CHANNELS), dtype=np.uint8)
    for rect, slab in zip(rects, slabs, strict=True):
        top = rect.y - rows.start
        rgb[top : top + rect.height, rect.x : rect.x + rect.width] = inflate(rect, slab)
    return rgb

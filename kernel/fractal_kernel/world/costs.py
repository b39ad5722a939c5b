"""What the tiles of a picture are expected to cost, from the coarse pass. Pure.

The sums are linear in the samples: each rank sums those that it has, and rank 0 only adds up what the ranks say. Whole
numbers below 2^53 are summed exactly, so it doesn't matter then who has which samples.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.coarse import SAMPLE_COST, coarse_stride

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fractal_api.tiling import TileGrid
    from fractal_kernel.definition import Frame

PIXEL_WORK: Final = 48
"""What encoding a pixel costs, in iterations: deflating three bytes against the kernel's 0.5–1 ns an iteration."""


def tile_iterations(work: "NDArray[np.float64]", frame: "Frame") -> "NDArray[np.float64]":
    """The iterations expected of the first samples of each tile's pixels, shape (tiles,).

    `work` is those of each coarse sample, shape (rows, columns), 0 where somebody else has it.
    """
    grid, stride = frame.grid, coarse_stride(frame)
    rows, columns = _edges(grid.height, grid), _edges(grid.width, grid)
    return _between(_between(work, rows, stride).T, columns, stride).T.ravel()


def tile_work(iterations: "NDArray[np.float64]", frame: "Frame") -> "NDArray[np.float64]":
    """The work expected of each tile, its samples' own cost and its encoding included, in iterations; shape (tiles,).

    It is what `Survey.cost` says of the tile, and the encoding.
    """
    samples = frame.side**2
    return iterations * samples + tile_pixels(frame.grid) * (SAMPLE_COST * samples + PIXEL_WORK)


def tile_pixels(grid: "TileGrid") -> "NDArray[np.int64]":
    """The pixels of each tile, shape (tiles,)."""
    return np.outer(np.diff(_edges(grid.height, grid)), np.diff(_edges(grid.width, grid))).ravel()


def _edges(length: int, grid: "TileGrid") -> "NDArray[np.int64]":
    """The pixels at which tiles begin along one side of a picture, and its end."""
    return np.append(np.arange(0, length, grid.size, dtype=np.int64), length)


def _between(values: "NDArray[np.float64]", edges: "NDArray[np.int64]", stride: int) -> "NDArray[np.float64]":
    """The sums over pixels from each edge to the next, along axis 0; each value stands for `stride` pixels.

    No two edges lie in one value but the last two: a tile is never smaller than a cell, for there are fewer of them.
    """
    first, within = np.divmod(edges[:-1], stride)
    sums = np.add.reduceat(values, first, axis=0) * stride
    cut = within[:, None] * values[first]
    sums -= cut
    sums[:-1] += cut[1:]
    sums[-1] -= (len(values) * stride - edges[-1]) * values[-1]  # the last value reaches beyond the picture
    return sums

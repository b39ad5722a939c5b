"""The coarse pass: at most 256² samples of a picture, before it is rendered.

It decides `maxIterations: auto`, from the spec alone, and foretells what each part of the picture costs. The decision
is part of the picture; the costs only order and batch the work, and never show.
"""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape.grid import Grid, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import Definition, Frame
    from fractal_kernel.escape.control import Control

MAX_POINTS: Final = 256 * 256
"""The most samples of a coarse pass."""

FIRST_LIMIT: Final = 1024
"""`auto` starts with this many iterations, and doubles them."""

LAST_LIMIT: Final = 1 << 22
"""`auto` doubles no further."""

MARGIN: Final = 4
"""`auto` uses this many times the iterations that the coarse pass needed."""

SAMPLE_COST: Final = 16
"""What beginning and colouring a sample costs, in iterations."""

SURVEY_BUDGET: Final = 1 << 26
"""Iterations spent on costs alone, after the decision: 0.2 s of one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the coarse pass found.

    `counts` is n of each coarse sample, −1 where none was found; `work` is the iterations that a sample of its cell is
    expected to take. Both have shape (rows, columns), top row first; a cell is `stride` pixels wide and high, clipped.
    """

    frame: "Frame"
    stride: int
    max_iterations: int
    counts: "NDArray[np.int64]"
    work: "NDArray[np.float64]"

    def cost(self, rect: "Rect") -> float:
        """The expected work of a rect, in iterations, each sample's own cost of SAMPLE_COST iterations included."""
        columns, across = _cells(rect.x, rect.width, self.stride)
        rows, down = _cells(rect.y, rect.height, self.stride)
        iterations = float(down @ self.work[rows, columns] @ across)
        return (iterations + SAMPLE_COST * rect.pixels) * self.frame.side**2


def survey(definition: "Definition", control: "Control") -> Survey:
    """The coarse pass of a picture; Stopped when the control says so."""
    frame = definition.frame
    stride = coarse_stride(frame)
    rows, columns = _pixels(frame.height, stride), _pixels(frame.width, stride)
    grid = Grid(_stand_in(definition))
    points = grid.start(np.tile(columns, len(rows)), np.repeat(rows, len(columns)))
    if definition.max_iterations is None:
        limit = _decide(grid, points, control)
        most = MARGIN * limit
    else:
        limit = most = definition.max_iterations
        limit = min(FIRST_LIMIT, most)
        grid.advance(points, limit, control)
    _spend(grid, points, range(limit, most), control)
    work = np.where(points["state"] == State.RUNNING, most, points["n"]).astype(np.float64)
    counts = np.where(points["state"] == State.ESCAPED, points["n"], -1)
    shape = (len(rows), len(columns))
    return Survey(
        frame=frame,
        stride=stride,
        max_iterations=most,
        counts=counts.reshape(shape),
        work=work.reshape(shape),
    )


def coarse_stride(frame: "Frame") -> int:
    """The pixels from one coarse sample to the next: the fewest that give at most MAX_POINTS of them."""
    stride = 1
    while -(-frame.width // stride) * -(-frame.height // stride) > MAX_POINTS:
        stride += 1
    return stride


def _pixels(size: int, stride: int) -> "NDArray[np.int64]":
    """The pixels along one side whose first samples the coarse pass takes: the middle of each cell."""
    return np.minimum(np.arange(0, size, stride, dtype=np.int64) + stride // 2, size - 1)


def _stand_in(definition: "Definition") -> GridDefinition:
    """A Grid picture that can be advanced: the definition itself, or for a Legacy one, what costs about as much."""
    if isinstance(definition, GridDefinition):
        return dataclasses.replace(definition, max_iterations=1)
    return GridDefinition(
        frame=definition.frame,
        julia=definition.julia,
        julia_re=definition.julia_re,
        julia_im=definition.julia_im,
        center_re=definition.center_re,
        center_im=definition.center_im,
        zoom=definition.zoom,
        matrix=None,
        max_iterations=1,
        palette="",
        colors=("#000000",),
        inside="#000000",
        offset=0.0,
        scale=1.0,
    )


def _decide(grid: Grid, points: "NDArray[np.void]", control: "Control") -> int:
    """The iterations after which at most one coarse sample in a thousand still escapes in the second half."""
    limit = FIRST_LIMIT
    grid.advance(points, limit, control)
    while limit < LAST_LIMIT and _late(points, limit // 2) * 1000 > len(points):
        limit *= 2
        grid.advance(points, limit, control)
    return limit


def _late(points: "NDArray[np.void]", half: int) -> int:
    """How many points escaped beyond n = half."""
    return int(np.count_nonzero((points["state"] == State.ESCAPED) & (points["n"] > half)))


def _spend(grid: Grid, points: "NDArray[np.void]", limits: range, control: "Control") -> None:
    """Runs undecided points on from the first limit to the last, while SURVEY_BUDGET allows, to know what they cost."""
    limit, left = limits.start, SURVEY_BUDGET
    while limit < limits.stop:
        further = min(limit, limits.stop - limit)
        left -= further * int(np.count_nonzero(points["state"] == State.RUNNING))
        if left < 0:
            return
        limit += further
        grid.advance(points, limit, control)


def _cells(first: int, length: int, stride: int) -> "tuple[slice, NDArray[np.float64]]":
    """The cells that `length` pixels from `first` lie in, and how many of the pixels lie in each."""
    cells = slice(first // stride, -(-(first + length) // stride))
    edges = np.arange(cells.start, cells.stop + 1) * stride
    return cells, np.diff(np.clip(edges, first, first + length)).astype(np.float64)

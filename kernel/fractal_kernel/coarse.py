"""The coarse pass: at most 256² samples of a picture, before it is rendered.

It decides `maxIterations: auto`, from the spec alone, and foretells what each part of the picture costs. The decision
is part of the picture; the costs only order and batch the work, and never show.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape.grid import Grid, Shortcuts, State

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

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
"""Iterations spent on costs alone, after the decision: 0.1 s of one core."""


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
    _sums: "NDArray[np.float64]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sums = np.zeros((self.work.shape[0] + 2, self.work.shape[1] + 2))
        sums[1:-1, 1:-1] = self.work.cumsum(axis=0).cumsum(axis=1)
        object.__setattr__(self, "_sums", sums)

    def cost(self, rect: "Rect") -> float:
        """The expected work of a rect, in iterations, each sample's own cost of SAMPLE_COST iterations included."""
        right, bottom = rect.x + rect.width, rect.y + rect.height
        cells = (
            self._sum(right, bottom) - self._sum(rect.x, bottom) - self._sum(right, rect.y) + self._sum(rect.x, rect.y)
        )
        return (cells * self.stride**2 + SAMPLE_COST * rect.pixels) * self.frame.side**2

    def _sum(self, x: int, y: int) -> float:
        """The work of all cells to the left of x and above y, in parts where x or y cuts them."""
        (column, right), (row, down) = divmod(x, self.stride), divmod(y, self.stride)
        across, along = right / self.stride, down / self.stride
        above = self._sums.item(row, column) * (1.0 - across) + self._sums.item(row, column + 1) * across
        below = self._sums.item(row + 1, column) * (1.0 - across) + self._sums.item(row + 1, column + 1) * across
        return above * (1.0 - along) + below * along


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How a round ended: the samples still undecided, and those that escaped in the round's second half."""

    running: int
    late: int

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(running=self.running + other.running, late=self.late + other.late)


class Rounds:
    """The rounds of a coarse pass of `points` samples: pure, so that many ranks can share the samples.

    All samples are run on to `limit`; what became of them is learned, and `limit` is the next one, or None when the
    pass is over and `max_iterations` is decided.
    """

    __slots__ = ("_course", "limit", "max_iterations")

    def __init__(self, max_iterations: int | None, points: int) -> None:
        self._course = _course(max_iterations, points)
        self.limit: int | None = next(self._course)
        self.max_iterations: int | None = None

    def learn(self, tally: Tally) -> None:
        """Takes note of how all samples ended the round."""
        try:
            self.limit = self._course.send(tally)
        except StopIteration as end:
            self.limit = None
            self.max_iterations = end.value


class Samples:
    """Coarse samples of a picture and how far they are: number `part` of every `parts` of them, or all."""

    __slots__ = ("_grid", "_points")

    def __init__(self, definition: "Definition", part: int = 0, parts: int = 1) -> None:
        rows, columns = _lattice(definition.frame)
        pixels = np.tile(columns, len(rows))[part::parts], np.repeat(rows, len(columns))[part::parts]
        self._grid = Grid(_stand_in(definition), shortcuts=_shortcuts(definition))
        self._points = self._grid.start(*pixels)

    def advance(self, limit: int, control: "Control") -> Tally:
        """Runs the undecided samples on to n = limit; Stopped when the control says so."""
        self._grid.advance(self._points, limit, control)
        n, state = self.outcome
        late = np.count_nonzero((state == State.ESCAPED) & (n > limit // 2))
        return Tally(running=int(np.count_nonzero(state == State.RUNNING)), late=int(late))

    @property
    def outcome(self) -> "NDArray[np.int64]":
        """What became of the samples so far: n and `State` of each, int64, shape (2, samples)."""
        return np.stack([self._points["n"], self._points["state"]])


def survey(definition: "Definition", control: "Control") -> Survey:
    """The coarse pass of a picture; Stopped when the control says so."""
    samples = Samples(definition)
    rounds = Rounds(definition.max_iterations, point_count(definition.frame))
    while rounds.limit is not None:
        rounds.learn(samples.advance(rounds.limit, control))
    return conclude(definition.frame, rounds, [samples.outcome])


def conclude(frame: "Frame", rounds: Rounds, outcomes: "Sequence[NDArray[np.int64]]") -> Survey:
    """What the coarse pass found, from the `outcome` of each part in order; ValueError before the last round."""
    if rounds.max_iterations is None:
        raise ValueError("the coarse pass is not over")
    rows, columns = _lattice(frame)
    n, state = whole = np.empty((2, point_count(frame)), dtype=np.int64)
    for part, outcome in enumerate(outcomes):
        whole[:, part :: len(outcomes)] = outcome
    work = np.where(state == State.RUNNING, rounds.max_iterations, n).astype(np.float64)
    counts = np.where(state == State.ESCAPED, n, -1)
    shape = (len(rows), len(columns))
    return Survey(
        frame=frame,
        stride=coarse_stride(frame),
        max_iterations=rounds.max_iterations,
        counts=counts.reshape(shape),
        work=work.reshape(shape),
    )


def point_count(frame: "Frame") -> int:
    """The samples of a picture's coarse pass."""
    rows, columns = _lattice(frame)
    return len(rows) * len(columns)


def coarse_stride(frame: "Frame") -> int:
    """The pixels from one coarse sample to the next: the fewest that give at most MAX_POINTS of them."""
    stride = 1
    while -(-frame.width // stride) * -(-frame.height // stride) > MAX_POINTS:
        stride += 1
    return stride


def _lattice(frame: "Frame") -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """The rows and the columns of pixels whose first samples the coarse pass takes."""
    stride = coarse_stride(frame)
    return _pixels(frame.height, stride), _pixels(frame.width, stride)


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


def _shortcuts(definition: "Definition") -> Shortcuts:
    """What may be left out: of a Legacy picture only what its own loops leave out, too, or its costs would be wrong."""
    return Shortcuts.ALL if isinstance(definition, GridDefinition) else Shortcuts.REPEATS


def _course(decided: int | None, points: int) -> "Generator[int, Tally, int]":
    """The limits of the rounds, each answered by its Tally; returns max_iterations."""
    limit = FIRST_LIMIT if decided is None else min(FIRST_LIMIT, decided)
    tally = yield limit
    # `auto`: until at most one sample in a thousand still escapes in the second half.
    while decided is None and limit < LAST_LIMIT and tally.late * 1000 > points:
        limit *= 2
        tally = yield limit
    most = MARGIN * limit if decided is None else decided
    # The samples that are left are run on while SURVEY_BUDGET allows, to know what they cost.
    left = SURVEY_BUDGET
    while limit < most:
        further = min(limit, most - limit)
        left -= further * tally.running
        if left < 0:
            break
        limit += further
        tally = yield limit
    return most

"""The coarse pass: at most 256² samples of a picture, before it is rendered.

It decides `maxIterations: auto`, from the spec alone, and foretells what each part of the picture costs. The decision
is part of the picture; the costs only order and batch the work, and never show.
"""

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape.grid import Grid, Shortcuts, State

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

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


@dataclass(frozen=True, kw_only=True)
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

    @cached_property
    def _sums(self) -> "NDArray[np.float64]":
        """The work of the cells above and to the left of each, between two rows and columns of which none is read."""
        sums = np.zeros((self.work.shape[0] + 2, self.work.shape[1] + 2))
        sums[1:-1, 1:-1] = self.work.cumsum(axis=0).cumsum(axis=1)
        return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How a round ended: the samples still undecided, and those that escaped in the round's second half."""

    running: int
    late: int

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(running=self.running + other.running, late=self.late + other.late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How a coarse pass ends: its samples are run on to `limit`, and no answer changes anything any more."""

    limit: int
    max_iterations: int


class Rounds:
    """The rounds of a coarse pass of `points` samples: pure, so that many ranks can share the samples.

    `step` is either what all samples are run on to in the next round, whose tally is to be learned, or the decision.
    A number of iterations that is given, and low, is decided at once.
    """

    __slots__ = ("_course", "step")

    def __init__(self, max_iterations: int | None, points: int) -> None:
        self._course = _course(max_iterations, points)
        self.step: int | Decision
        self._go(partial(next, self._course))

    def learn(self, tally: Tally) -> None:
        """Takes note of how all samples ended the round."""
        self._go(partial(self._course.send, tally))

    def _go(self, course: "Callable[[], int]") -> None:
        try:
            self.step = course()
        except StopIteration as end:
            self.step = end.value


class Samples:
    """Coarse samples of a picture and how far they are: number `part` of every `parts` of them, or all."""

    __slots__ = ("_grid", "_limit", "_lot", "_points", "_shape")

    def __init__(self, definition: "Definition", part: int = 0, parts: int = 1) -> None:
        rows, columns = _lattice(definition.frame)
        self._shape = len(rows), len(columns)
        self._lot = slice(part, None, parts)
        self._limit = 0
        self._grid = Grid(_stand_in(definition), shortcuts=_shortcuts(definition))
        self._points = self._grid.start(
            np.tile(columns, len(rows))[self._lot], np.repeat(rows, len(columns))[self._lot]
        )

    def advance(self, limit: int, control: "Control") -> None:
        """Runs the undecided samples on to n = limit; Stopped when the control says so."""
        self._grid.advance(self._points, limit, control)
        self._limit = limit

    @property
    def tally(self) -> Tally:
        """How these samples ended the last round."""
        n, state = self._points["n"], self._points["state"]
        late = np.count_nonzero((state == State.ESCAPED) & (n > self._limit // 2))
        return Tally(running=int(np.count_nonzero(state == State.RUNNING)), late=int(late))

    @property
    def counts(self) -> "NDArray[np.int64]":
        """The n of each of these samples, −1 where none was found so far; shape (samples,)."""
        return np.where(self._points["state"] == State.ESCAPED, self._points["n"], -1)

    def work(self, max_iterations: int) -> "NDArray[np.float64]":
        """The iterations that each sample is expected to take, all of them where it is undecided.

        Shape (rows, columns) of the whole coarse pass, top row first; 0 where a sample belongs to another part.
        """
        n = self._points["n"]
        if self._limit != max_iterations:
            n = np.where(self._points["state"] == State.RUNNING, max_iterations, n)
        work = np.zeros(self._shape)
        work.reshape(-1)[self._lot] = n
        return work


def survey(definition: "Definition", control: "Control") -> Survey:
    """The coarse pass of a picture; Stopped when the control says so."""
    samples = Samples(definition)
    rounds = Rounds(definition.max_iterations, point_count(definition.frame))
    while isinstance(rounds.step, int):
        samples.advance(rounds.step, control)
        rounds.learn(samples.tally)
    decision = rounds.step
    samples.advance(decision.limit, control)
    work = samples.work(decision.max_iterations)
    return Survey(
        frame=definition.frame,
        stride=coarse_stride(definition.frame),
        max_iterations=decision.max_iterations,
        counts=samples.counts.reshape(work.shape),
        work=work,
    )


def point_count(frame: "Frame") -> int:
    """The samples of a picture's coarse pass."""
    rows, columns = _lattice(frame)
    return len(rows) * len(columns)


def coarse_stride(frame: "Frame") -> int:
    """The pixels from one coarse sample to the next: the fewest that give at most MAX_POINTS of them."""
    stride = max(1, math.isqrt(frame.width * frame.height // MAX_POINTS))  # no fewer can be enough
    while -(-frame.width // stride) * -(-frame.height // stride) > MAX_POINTS:
        stride += 1
    return stride


def _lattice(frame: "Frame") -> "tuple[NDArray[np.int32], NDArray[np.int32]]":
    """The rows and the columns of pixels whose first samples the coarse pass takes."""
    stride = coarse_stride(frame)
    return _pixels(frame.height, stride), _pixels(frame.width, stride)


def _pixels(size: int, stride: int) -> "NDArray[np.int32]":
    """The pixels along one side whose first samples the coarse pass takes: the middle of each cell."""
    return np.minimum(np.arange(0, size, stride, dtype=np.int32) + stride // 2, size - 1)


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


def _course(decided: int | None, points: int) -> "Generator[int, Tally, Decision]":
    """The limits of the rounds that something depends on, each answered by its Tally; returns the decision."""
    if decided is not None and decided <= FIRST_LIMIT:
        return Decision(limit=decided, max_iterations=decided)
    limit = FIRST_LIMIT
    tally = yield limit
    # `auto`: until at most one sample in a thousand still escapes in the second half.
    while decided is None and limit < LAST_LIMIT and tally.late * 1000 > points:
        limit *= 2
        tally = yield limit
    most = MARGIN * limit if decided is None else decided
    # The samples that are left are run on while SURVEY_BUDGET allows, to know what they cost.
    left = SURVEY_BUDGET
    while True:
        further = min(limit, most - limit)
        left -= further * tally.running
        if left < 0:
            break
        limit += further
        if limit == most:
            break
        tally = yield limit
    return Decision(limit=limit, max_iterations=most)

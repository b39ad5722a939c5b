"""Grid pictures, fast: a door to the compiled loops of grid.h, beside which slow/grid.py says what is right."""

import math
from enum import IntEnum
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.color.srgb import THRESHOLDS, encode
from fractal_kernel.color.tables import color_tables
from fractal_kernel.escape import _grid
from fractal_kernel.escape.control import Stopped
from fractal_kernel.escape.instructions import Instructions, instruction_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import GridDefinition
    from fractal_kernel.escape.control import Control

MAX_SIDE: Final = 16
"""Samples along the side of a pixel, at most."""

POINT: Final = np.dtype(
    [("x", "f8"), ("y", "f8"), ("cr", "f8"), ("ci", "f8"), ("n", "i8"), ("state", "i8")],
)
"""A sample on its way: z_n = x + iy, c = cr + i·ci, n, and a `State`."""

_GUESSES: Final = encode(np.linspace(0.0, 1.0, _grid.GUESSES + 1, dtype=np.float32))
"""The bytes of evenly spaced values: where the loops begin to look for that of a value between two of them."""


class State:
    """What became of a sample: not yet decided, escaped at n, or inside for ever."""

    RUNNING: Final = 0
    ESCAPED: Final = 1
    INSIDE: Final = 2


class Shortcuts(IntEnum):
    """What the loops may leave out, because how it ends is known; no result depends on it, but the time does."""

    NONE = 0
    REPEATS = 1
    """An orbit whose z repeats to the bit is inside."""
    ALL = 2
    """So is, without a step, a c well within the cardioid or the disc of period 2."""


class Grid:
    """The loops of one picture. Every method releases the GIL while it runs, and may run in many threads at once."""

    __slots__ = ("_frame", "_loops")

    def __init__(
        self,
        definition: "GridDefinition",
        instructions: Instructions | None = None,
        shortcuts: Shortcuts = Shortcuts.ALL,
    ) -> None:
        if definition.max_iterations is None or definition.max_iterations < 1:
            raise ValueError("the coarse pass must have decided max_iterations before a picture is rendered")
        if definition.frame.side not in range(1, MAX_SIDE + 1):
            raise ValueError(f"a pixel has 1 to {MAX_SIDE} samples along its side, not {definition.frame.side}")
        chosen = instruction_set() if instructions is None else instructions
        self._frame = definition.frame
        palette, rgbx = color_tables(definition.palette, definition.colors, definition.inside)
        self._loops = _grid.Loops(definition, (palette, rgbx, THRESHOLDS, _GUESSES), chosen.number, shortcuts)

    def render(self, rects: "Sequence[Rect]", control: "Control") -> "list[NDArray[np.uint8]]":
        """The sRGB bytes of each rect, shape (height, width, 3), top row first; Stopped when the control says so."""
        wanted = self._checked(rects)
        ends = [0, *np.cumsum(3 * wanted[:, 2] * wanted[:, 3]).tolist()]
        rgb = np.empty(ends[-1], dtype=np.uint8)
        if len(rgb) and self._loops.render(wanted, rgb, _window(), control.memory):
            raise Stopped
        return [
            rgb[start:end].reshape(height, width, 3)
            for (start, end), (_, _, width, height) in zip(pairwise(ends), rects, strict=True)
        ]

    def counts(self, rect: "Rect", control: "Control") -> "NDArray[np.int64]":
        """The n of each pixel's first sample, −1 inside: int64, shape (height, width), top row first."""
        return self._escapes(rect, 1, None, control).reshape(rect.height, rect.width)

    def escapes(self, rect: "Rect", control: "Control") -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
        """The n and f of each sample's ν = n + f, −1 and 0.0 inside; shape (height, width, samples), sx outer."""
        side = self._frame.side
        shape = rect.height, rect.width, side**2
        fractions = np.empty(math.prod(shape), dtype=np.float64)
        counts = self._escapes(rect, side, fractions, control)
        return counts.reshape(shape), fractions.reshape(shape)

    def start(self, columns: "NDArray[np.integer]", rows: "NDArray[np.integer]") -> "NDArray[np.void]":
        """The first samples, not yet begun, of the pixels in these columns and rows from the top: dtype POINT, flat."""
        pixels = np.empty((columns.size, 2), dtype=np.int64)
        pixels[:, 0], pixels[:, 1] = columns.reshape(-1), rows.reshape(-1)
        points = np.empty(len(pixels), dtype=POINT)
        self._loops.start(pixels, points.view(np.uint8), _window())
        return points

    def advance(self, points: "NDArray[np.void]", limit: int, control: "Control") -> None:
        """Runs points on, in place, until each has escaped, is known to be inside, or has n = limit."""
        if self._loops.advance(points.view(np.uint8), len(points), limit, _window(), control.memory):
            raise Stopped

    def _escapes(
        self, rect: "Rect", side: int, fractions: "NDArray[np.float64] | None", control: "Control"
    ) -> "NDArray[np.int64]":
        counts = np.empty(rect.pixels * side**2, dtype=np.int64)
        if self._loops.escapes(self._checked([rect]), side, counts, fractions, _window(), control.memory):
            raise Stopped
        return counts

    def _checked(self, rects: "Sequence[Rect]") -> "NDArray[np.int64]":
        """The rects as the loops take them; ValueError for one that is empty or not wholly inside the picture."""
        wanted = np.fromiter(chain.from_iterable(rects), dtype=np.int64, count=4 * len(rects)).reshape(-1, 4)
        starts, sizes = wanted[:, :2], wanted[:, 2:]
        inside = (starts >= 0) & (sizes > 0) & (starts + sizes <= (self._frame.width, self._frame.height))
        if not inside.all():
            wrong = rects[int(np.argmin(inside.all(axis=1)))]
            raise ValueError(f"{wrong} is not inside a picture of {self._frame.width}×{self._frame.height} pixels")
        return wanted


def _window() -> "NDArray[np.uint8]":
    """The memory that one call of a loop works in."""
    return np.empty(_grid.WINDOW_BYTES, dtype=np.uint8)

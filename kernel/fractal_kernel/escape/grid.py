"""Grid pictures, fast: a door to the compiled loops of grid.h, beside which slow/grid.py says what is right.

Which instruction set the loops use never shows in a picture. The choice is the processor's; FRACTAL_INSTRUCTIONS=libm,
or an argument, asks for the C library's fma all the same.
"""

import math
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_api.errors import PermanentError
from fractal_kernel.color.palettes import expand
from fractal_kernel.color.srgb import THRESHOLDS, encode, linear_light
from fractal_kernel.escape import _grid
from fractal_kernel.escape.control import Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import GridDefinition
    from fractal_kernel.escape.control import Control

LANES: Final[int] = _grid.LANES
"""Samples that one loop has on the way at once."""

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


class InstructionsMissing(PermanentError):  # noqa: N818 - it names what is wrong with the machine, not the program
    """The instructions that were asked for can't be had; the message says which can."""


class Instructions(StrEnum):
    """How the loops compute a fused multiply-add: both give the same bits."""

    FMA = "fma"
    LIBM = "libm"


def instruction_set() -> Instructions:
    """What the loops use on this machine: libm, which is slow, without an fma instruction or when the user asks so.

    InstructionsMissing if FRACTAL_INSTRUCTIONS names none, or some that the processor lacks.
    """
    asked = os.environ.get("FRACTAL_INSTRUCTIONS") or available()[-1]
    if asked not in available():
        raise InstructionsMissing(
            f"FRACTAL_INSTRUCTIONS must be {' or '.join(available())} on this processor, not {asked:.40}"
        )
    return Instructions(asked)


def available() -> tuple[Instructions, ...]:
    """The instruction sets that this processor has, the fastest last."""
    return (Instructions.LIBM, Instructions.FMA) if _grid.has_fma() else (Instructions.LIBM,)


class Grid:
    """The loops of one picture. Every method releases the GIL while it runs, and may run in many threads at once."""

    __slots__ = ("_frame", "_loops")

    def __init__(self, definition: "GridDefinition", instructions: Instructions | None = None) -> None:
        if definition.max_iterations is None or definition.max_iterations < 1:
            raise ValueError("the coarse pass must have decided max_iterations before a picture is rendered")
        if definition.frame.side not in range(1, MAX_SIDE + 1):
            raise ValueError(f"a pixel has 1 to {MAX_SIDE} samples along its side, not {definition.frame.side}")
        chosen = instruction_set() if instructions is None else instructions
        if chosen not in available():
            raise InstructionsMissing(f"this processor has no instructions called {chosen}")
        self._frame = definition.frame
        palette = expand(definition.palette, definition.colors)
        tables = palette, linear_light(definition.inside), THRESHOLDS, _GUESSES
        self._loops = _grid.Loops(definition, tables, chosen is Instructions.FMA)

    def render(self, rects: "Sequence[Rect]", control: "Control") -> "list[NDArray[np.uint8]]":
        """The sRGB bytes of each rect, shape (height, width, 3), top row first; Stopped when the control says so."""
        wanted = self._checked(rects)
        ends = np.cumsum(3 * wanted[:, 2] * wanted[:, 3])
        rgb = np.empty(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
        if len(rgb) and self._loops.render(wanted, rgb, control.memory):
            raise Stopped
        parts = np.split(rgb, ends[:-1])
        return [part.reshape(rect.height, rect.width, 3) for part, rect in zip(parts, rects, strict=False)]

    def counts(self, rect: "Rect", control: "Control") -> "NDArray[np.int64]":
        """The n of each pixel's first sample, −1 inside: int64, shape (height, width), top row first."""
        return self._escapes(rect, 1, None, control).reshape(rect.height, rect.width)

    def escapes(self, rect: "Rect", control: "Control") -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
        """The n and f of each sample's ν = n + f, −1 and 0.0 inside; shape (height, width, samples), sx outer."""
        shape = rect.height, rect.width, self._frame.side**2
        fractions = np.empty(math.prod(shape), dtype=np.float64)
        counts = self._escapes(rect, shape[2], fractions, control)
        return counts.reshape(shape), fractions.reshape(shape)

    def start(self, columns: "NDArray[np.int64]", rows: "NDArray[np.int64]") -> "NDArray[np.void]":
        """The first samples, not yet begun, of the pixels in these columns and rows from the top: dtype POINT, flat."""
        pixels = np.stack([columns, rows], axis=-1).reshape(-1, 2).astype(np.int64)
        points = np.zeros(len(pixels), dtype=POINT)
        self._loops.start(pixels, points.view(np.uint8))
        return points

    def advance(self, points: "NDArray[np.void]", limit: int, control: "Control") -> None:
        """Runs points on, in place, until each has escaped, is known to be inside, or has n = limit."""
        if self._loops.advance(points.view(np.uint8), len(points), limit, control.memory):
            raise Stopped

    def _escapes(
        self, rect: "Rect", samples: int, fractions: "NDArray[np.float64] | None", control: "Control"
    ) -> "NDArray[np.int64]":
        counts = np.empty(rect.pixels * samples, dtype=np.int64)
        if self._loops.escapes(self._checked([rect]), samples, counts, fractions, control.memory):
            raise Stopped
        return counts

    def _checked(self, rects: "Sequence[Rect]") -> "NDArray[np.int64]":
        """The rects as the loops take them; ValueError for one that is empty or not wholly inside the picture."""
        for rect in rects:
            inside = rect.x >= 0 and rect.y >= 0 and rect.width > 0 and rect.height > 0
            if not (inside and rect.x + rect.width <= self._frame.width and rect.y + rect.height <= self._frame.height):
                raise ValueError(f"{rect} is not inside a picture of {self._frame.width}×{self._frame.height} pixels")
        return np.array(rects, dtype=np.int64).reshape(-1, 4)

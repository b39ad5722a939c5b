"""Pictures of the earlier system, equal to it byte for byte.

Checks what comes in, then runs the C loop (legacy.h) without the GIL. What a Legacy picture is, is said by its slow
twin, `fractal_kernel.slow.legacy`.
"""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fractal_kernel.escape import _legacy
from fractal_kernel.escape.control import Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import Frame, LegacyDefinition
    from fractal_kernel.escape.control import Control

INSTRUCTION_SETS: Final = ("base", "avx2") if _legacy.has_avx2() else ("base",)
"""The instruction sets of this processor that the loop is built for, the fastest last; all give the same bytes."""

MAX_SIDE: Final = 16
MAX_ITERATIONS: Final = 2**31 - 1
COLOR_MODES: Final = range(9)


def render(
    definition: "LegacyDefinition",
    rects: "Sequence[Rect]",
    control: "Control",
    instruction_set: str = INSTRUCTION_SETS[-1],
) -> "list[NDArray[np.uint8]]":
    """The bytes of each rectangle, shape (height, width, 3), row 0 at the top.

    All rectangles are rendered in one call without the GIL. Raises Stopped within a millisecond of `control.stop()`,
    and ValueError for a rectangle outside the picture or a number that no Legacy picture has.
    """
    picture = _numbers(definition)
    _check_rects(definition.frame, rects)
    if not rects:
        return []
    rgb = np.empty(3 * sum(rect.pixels for rect in rects), dtype=np.uint8)
    table = np.array(rects, dtype=np.int64)
    if _legacy.render(picture, table, rgb, _wants_avx2(instruction_set), control.memory):
        raise Stopped
    ends = np.cumsum([3 * rect.pixels for rect in rects])
    parts = np.split(rgb, ends[:-1])
    return [part.reshape(rect.height, rect.width, 3) for part, rect in zip(parts, rects, strict=True)]


def counts(
    definition: "LegacyDefinition",
    rect: "Rect",
    control: "Control",
    instruction_set: str = INSTRUCTION_SETS[-1],
) -> "NDArray[np.int64]":
    """The iterations at which each pixel's first sample escaped, −1 where the limit ended it.

    Shape (height, width), row 0 at the top. Raises as `render` does.
    """
    picture = _numbers(definition) | {"side": 1}
    _check_rects(definition.frame, [rect])
    result = np.empty((rect.height, rect.width), dtype=np.int64)
    if _legacy.counts(picture, np.array(rect, dtype=np.int64), result, _wants_avx2(instruction_set), control.memory):
        raise Stopped
    return result


def _numbers(definition: "LegacyDefinition") -> dict[str, Any]:
    """The definition as the C struct's members; ValueError for what would hang the loop or leave its tables."""
    frame = definition.frame
    numbers = {
        "width": frame.width,
        "height": frame.height,
        "side": frame.side,
        "julia": definition.julia,
        "julia_re": definition.julia_re,
        "julia_im": definition.julia_im,
        "center_re": definition.center_re,
        "center_im": definition.center_im,
        "zoom": definition.zoom,
        "max_iterations": definition.max_iterations,
        "color_mode": definition.color_mode,
    }
    if not all(math.isfinite(number) for number in numbers.values()):
        raise ValueError(f"every number of a Legacy picture must be finite, got {definition}")
    _check("side", frame.side, range(1, MAX_SIDE + 1))
    _check("max_iterations", definition.max_iterations, range(1, MAX_ITERATIONS + 1))
    _check("color_mode", definition.color_mode, COLOR_MODES)
    if definition.zoom <= 0:
        raise ValueError(f"zoom must be above 0, got {definition.zoom}")
    return numbers


def _check(name: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be from {allowed[0]} to {allowed[-1]}, got {value}")


def _check_rects(frame: "Frame", rects: "Sequence[Rect]") -> None:
    """ValueError for a rectangle that is empty or leaves the picture."""
    for rect in rects:
        x_inside = 0 <= rect.x < rect.x + rect.width <= frame.width
        y_inside = 0 <= rect.y < rect.y + rect.height <= frame.height
        if not (x_inside and y_inside):
            raise ValueError(f"{rect} is not inside the picture of {frame.width}×{frame.height} pixels")


def _wants_avx2(instruction_set: str) -> bool:
    """Whether the AVX2 loop is meant; ValueError for what this processor does not have."""
    if instruction_set not in INSTRUCTION_SETS:
        raise ValueError(f"instruction set must be one of {', '.join(INSTRUCTION_SETS)}, got {instruction_set!r}")
    return instruction_set == "avx2"

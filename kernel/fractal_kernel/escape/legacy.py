"""Pictures of the earlier system, equal to it byte for byte.

Checks what comes in, then runs the C loop (legacy.h) without the GIL. What a Legacy picture is, is said by its slow
twin, `fractal_kernel.slow.legacy`.
"""

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.escape import _legacy
from fractal_kernel.escape.control import Stopped
from fractal_kernel.escape.instructions import Instructions, instruction_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import Frame, LegacyDefinition
    from fractal_kernel.escape.control import Control

MAX_SIDE: Final = 16
MAX_ITERATIONS: Final = 2**31 - 1
COLOR_MODES: Final = range(9)


def render(
    definition: "LegacyDefinition",
    rects: "Sequence[Rect]",
    control: "Control",
    instructions: Instructions | None = None,
) -> "list[NDArray[np.uint8]]":
    """The bytes of each rectangle, shape (height, width, 3), row 0 at the top.

    All rectangles are rendered in one call without the GIL. Raises Stopped within a millisecond of `control.stop()`,
    and ValueError for a rectangle outside the picture or a number that no Legacy picture has.
    """
    _check_numbers(definition)
    _check_rects(definition.frame, rects)
    if not rects:
        return []
    number = (instructions or instruction_set()).number
    rgb = np.empty(3 * sum(rect.pixels for rect in rects), dtype=np.uint8)
    table = np.array(rects, dtype=np.int64)
    if _legacy.render(number, definition, table, rgb, _window(), control.memory):
        raise Stopped
    ends = np.cumsum([3 * rect.pixels for rect in rects])
    parts = np.split(rgb, ends[:-1])
    return [part.reshape(rect.height, rect.width, 3) for part, rect in zip(parts, rects, strict=True)]


def counts(
    definition: "LegacyDefinition",
    rect: "Rect",
    control: "Control",
    instructions: Instructions | None = None,
) -> "NDArray[np.int64]":
    """The iterations at which each pixel's first sample escaped, −1 where the limit ended it.

    Shape (height, width), row 0 at the top. Raises as `render` does.
    """
    _check_numbers(definition)
    _check_rects(definition.frame, [rect])
    number = (instructions or instruction_set()).number
    result = np.empty((rect.height, rect.width), dtype=np.int64)
    if _legacy.counts(number, definition, np.array(rect, dtype=np.int64), result, _window(), control.memory):
        raise Stopped
    return result


def _check_numbers(definition: "LegacyDefinition") -> None:
    """ValueError for what would hang the loop or leave its tables."""
    view = (
        definition.julia_re,
        definition.julia_im,
        definition.center_re,
        definition.center_im,
        definition.zoom,
    )
    if not all(math.isfinite(number) for number in view):
        raise ValueError(f"every number of a Legacy picture must be finite, got {definition}")
    _check("side", definition.frame.side, range(1, MAX_SIDE + 1))
    _check("max_iterations", definition.max_iterations, range(1, MAX_ITERATIONS + 1))
    _check("color_mode", definition.color_mode, COLOR_MODES)
    if definition.zoom <= 0:
        raise ValueError(f"zoom must be above 0, got {definition.zoom}")


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


def _window() -> "NDArray[np.uint8]":
    """The memory that one call of a loop works in."""
    return np.empty(_legacy.WINDOW_BYTES, dtype=np.uint8)

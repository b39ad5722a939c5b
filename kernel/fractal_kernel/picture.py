"""A picture that can be rendered, whichever kind it is: the one door of renderers and ranks to the loops."""

from functools import partial
from typing import TYPE_CHECKING

from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape import legacy
from fractal_kernel.escape.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import Definition
    from fractal_kernel.escape.control import Control

    Render = Callable[[Sequence[Rect], Control], list[NDArray[np.uint8]]]
    Counts = Callable[[Rect, Control], NDArray[np.int64]]


class Picture:
    """The pixels of a definition whose max_iterations is decided; ValueError for one whose isn't.

    Methods release the GIL while they run, and may run in many threads at once.
    """

    __slots__ = ("_counts", "_render", "definition")

    def __init__(self, definition: "Definition") -> None:
        self.definition = definition
        self._render: Render
        self._counts: Counts
        if isinstance(definition, GridDefinition):
            grid = Grid(definition)
            self._render, self._counts = grid.render, grid.counts
        else:
            self._render, self._counts = partial(legacy.render, definition), partial(legacy.counts, definition)

    def render(self, rects: "Sequence[Rect]", control: "Control") -> "list[NDArray[np.uint8]]":
        """The RGB bytes of each rect, shape (height, width, 3), top row first; Stopped when the control says so."""
        return self._render(rects, control)

    def counts(self, rect: "Rect", control: "Control") -> "NDArray[np.int64]":
        """The escape index of each pixel's first sample, −1 inside: int64, shape (height, width), top row first."""
        return self._counts(rect, control)

"""A small picture of a large one, collected from its bands: each small pixel is the mean of its box."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Thumbnail:
    """The means of a picture's boxes, `columns` × `rows` of them; neither may exceed the picture's own size."""

    def __init__(self, *, width: int, height: int, columns: int, rows: int) -> None:
        self._height = height
        self._starts = -(-np.arange(columns) * width // columns)
        self._columns = np.diff(self._starts, append=width)
        self._sums = np.zeros((rows, columns, 3), dtype=np.int64)
        self._rows = np.zeros(rows, dtype=np.int64)

    def add(self, first_row: int, rgb: "NDArray[np.uint8]") -> None:
        """Take the rows of a picture that begin at `first_row`; (rows, width, 3)."""
        rows = len(self._rows)
        target = np.arange(first_row, first_row + len(rgb)) * rows // self._height
        means = np.add.reduceat(rgb, self._starts, axis=1, dtype=np.uint32)
        np.add.at(self._sums, target, means)
        np.add.at(self._rows, target, 1)

    @property
    def rgb(self) -> "NDArray[np.uint8]":
        """The small picture, (rows, columns, 3); black where no rows were added."""
        pixels = np.maximum(self._rows[:, None, None] * self._columns[None, :, None], 1)
        means: NDArray[np.int64] = (self._sums + pixels // 2) // pixels
        return means.astype(np.uint8)

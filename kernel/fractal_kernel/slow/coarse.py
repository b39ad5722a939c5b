"""What `maxIterations: auto` is, in NumPy: the coarse pass (coarse.py) must decide the same."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from fractal_kernel.slow.grid import escape_indices

if TYPE_CHECKING:
    from fractal_kernel.definition import Frame, GridDefinition


def auto_iterations(definition: "GridDefinition") -> int:
    """The iterations of a picture that leaves them to the coarse pass.

    At least one and at most 256² first samples are looked at. From 1024 on, the iterations double while more than a
    thousandth of the samples escape in their second half, and 2^22 is not reached; the picture gets four times as many.
    """
    frame = definition.frame
    stride = _stride(frame)
    columns, rows = (
        np.array([min(cell * stride + stride // 2, size - 1) for cell in range(-(-size // stride))])
        for size in (frame.width, frame.height)
    )
    every_row, every_column = np.meshgrid(rows, columns, indexing="ij")
    limit = 1024
    while True:
        known = escape_indices(dataclasses.replace(definition, max_iterations=limit), every_column, every_row)
        late = int(np.count_nonzero(known > limit // 2))
        if limit == 1 << 22 or late <= known.size / 1000:
            return 4 * limit
        limit *= 2


def _stride(frame: "Frame") -> int:
    return next(k for k in range(1, 65_537) if -(-frame.width // k) * -(-frame.height // k) <= 65_536)

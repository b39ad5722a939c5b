"""The head of a NumPy `.npy` file, so that an array can be streamed into one row by row."""

import io
from typing import TYPE_CHECKING

from numpy.lib import format as npy

if TYPE_CHECKING:
    import numpy as np


def head(shape: tuple[int, ...], dtype: "np.dtype[np.generic]") -> bytes:
    """All that comes before the elements of an array in C order."""
    buffer = io.BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape})
    return buffer.getvalue()

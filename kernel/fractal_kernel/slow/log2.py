"""The twin of escape/log2.h: the same operations in the same order, with an emulated fma."""

from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.slow.fma import fma

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SPLIT: Final = np.float64(0.5**0.5).view(np.int64)
"""The bits of √½: the mantissas from here on belong to the next power of two."""

# 2/((2k + 1) ln 2) for k = 0 … 9.
_C0: Final = 2.8853900817779268
_C1: Final = 0.9617966939259756
_C2: Final = 0.5770780163555853
_C3: Final = 0.4121985831111324
_C4: Final = 0.3205988979753252
_C5: Final = 0.2623081892525388
_C6: Final = 0.22195308321368667
_C7: Final = 0.19235933878519512
_C8: Final = 0.16972882833987804
_C9: Final = 0.15186263588304877


def log2(x: "ArrayLike") -> "NDArray[np.float64]":
    """The base-two logarithm of positive, normal, finite doubles, to about 1e-16 of the result or of 1e-16."""
    bits = np.asarray(x, dtype=np.float64).view(np.int64)
    exponent = (bits - _SPLIT) >> 52
    m = (bits - exponent * (1 << 52)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    s4 = s2 * s2
    s8 = s4 * s4
    q0 = fma(fma(_C3, s2, _C2), s4, fma(_C1, s2, _C0))
    q1 = fma(fma(_C7, s2, _C6), s4, fma(_C5, s2, _C4))
    r = fma(q1, s8, q0)
    return fma(s, fma(fma(_C9, s2, _C8), s8 * s8, r), exponent.astype(np.float64))

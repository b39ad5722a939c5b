"""The fused multiply-add in NumPy: a·b + c rounded once, on any processor.

Most values take error-free transformations and a rounding to odd (Boldo and Melquiond, "Emulation of a FMA and
correctly rounded sums", 2008). Where products or sums could overflow or lose bits to underflow, integers compute them
exactly.
"""

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Doubles = NDArray[np.float64]

_SPLIT: Final = 134217729.0  # 2^27 + 1 (Veltkamp)

_LOW: Final = -400
_HIGH: Final = 400
"""Binary exponents of factors between which no transformation overflows, and no error of a product is subnormal."""

_SUMMAND: Final = 1000
"""The binary exponent of a summand from which on its sum might overflow."""


def fma(a: "ArrayLike", b: "ArrayLike", c: "ArrayLike") -> "Doubles":
    """Every a·b + c rounded once to the nearest double, ties to even: the bits of C's `fma`; NaNs are just NaN."""
    a, b, c = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (a, b, c)))
    with np.errstate(all="ignore"):
        result = _plain(a, b, c)
        exact = np.isfinite(a) & np.isfinite(b) & np.isfinite(c) & (a != 0.0) & (b != 0.0)
        easy = exact & _moderate(a) & _moderate(b) & (np.frexp(c)[1] < _SUMMAND)
        result[easy] = _transformed(a[easy], b[easy], c[easy])
    for index in map(tuple, np.argwhere(exact & ~easy)):
        result[index] = _from_integers(float(a[index]), float(b[index]), float(c[index]))
    return result


def _plain(a: "Doubles", b: "Doubles", c: "Doubles") -> "Doubles":
    """The result wherever a factor is zero, or something is infinite or NaN: the product is then exact."""
    overflowing = np.isfinite(a) & np.isfinite(b) & ~np.isfinite(c)
    return np.array(np.where(overflowing, c, a * b + c))


def _moderate(factor: "Doubles") -> "NDArray[np.bool_]":
    exponent = np.frexp(factor)[1]
    return np.asarray((exponent > _LOW) & (exponent < _HIGH))


def _transformed(a: "Doubles", b: "Doubles", c: "Doubles") -> "Doubles":
    product, product_error = _two_product(a, b)
    low, low_error = _two_sum(c, product_error)
    high, high_error = _two_sum(product, low)
    return np.asarray(high + _sum_to_odd(low_error, high_error))


def _two_sum(a: "Doubles", b: "Doubles") -> "tuple[Doubles, Doubles]":
    """The rounded sum and its exact error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: "Doubles", b: "Doubles") -> "tuple[Doubles, Doubles]":
    """The rounded product and its exact error (Dekker)."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(a: "Doubles") -> "tuple[Doubles, Doubles]":
    """A number as the exact sum of two of 26 bits each."""
    scaled = _SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high


def _sum_to_odd(a: "Doubles", b: "Doubles") -> "Doubles":
    """The sum if it is exact, else that of its two neighbours whose last bit is odd: a later rounding stays right."""
    total, error = _two_sum(a, b)
    even = (total.view(np.int64) & 1) == 0
    neighbour = np.nextafter(total, np.where(error > 0.0, np.inf, -np.inf))
    return np.asarray(np.where((error != 0.0) & even, neighbour, total))


def _from_integers(a: float, b: float, c: float) -> float:
    """The same from exact integers; Python rounds their quotient once, subnormal ones too."""
    (a_top, a_bottom), (b_top, b_bottom), (c_top, c_bottom) = (value.as_integer_ratio() for value in (a, b, c))
    bottom = a_bottom * b_bottom
    top = a_top * b_top * c_bottom + c_top * bottom
    try:
        return top / (bottom * c_bottom)
    except OverflowError:
        return math.inf if top > 0 else -math.inf

"""How a view is turned and stretched: one 2×2 matrix, computed in decimal and rounded once.

Doubles, and the C library's sine and cosine, would give pictures that differ from machine to machine.
"""

from decimal import Context, Decimal, localcontext
from typing import Final

Matrix = tuple[float, float, float, float]
"""The rows of a matrix one after another: m00, m01, m10, m11."""

_DIGITS: Final = 60
_PI: Final = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798"
)

_EXACT: Final = Context(prec=40_000)
"""More digits than any decimal string of a spec has, with its exponent written out to a degree."""


def orientation(rotation: Decimal, angle: Decimal, amount: Decimal) -> Matrix | None:
    """R(rotation) · R(angle) · diag(amount, 1) · R(−angle), R(a) the counterclockwise rotation by a degrees.

    Each entry is exact to 1e-57, then rounded once. None when nothing is turned or stretched.
    """
    if amount == 1 and _EXACT.remainder(rotation, Decimal(360)) == 0:
        return None
    with localcontext(Context(prec=_DIGITS)):
        cos_r, sin_r = _cos_sin(rotation)
        cos_a, sin_a = _cos_sin(angle)
        along = amount * cos_a * cos_a + sin_a * sin_a
        mixed = (amount - 1) * cos_a * sin_a
        across = amount * sin_a * sin_a + cos_a * cos_a
        return (
            float(cos_r * along - sin_r * mixed),
            float(cos_r * mixed - sin_r * across),
            float(sin_r * along + cos_r * mixed),
            float(sin_r * mixed + cos_r * across),
        )


def _cos_sin(degrees: Decimal) -> tuple[Decimal, Decimal]:
    """Cosine and sine of an angle in degrees, exact to 1e-58, and exact for multiples of 90."""
    turn = _EXACT.remainder(abs(degrees), Decimal(360))
    quarters, rest = divmod(turn, Decimal(90))
    cos, sin = _cos_sin_series(rest * _PI / 180)
    cos, sin = ((cos, sin), (-sin, cos), (-cos, -sin), (sin, -cos))[int(quarters)]
    return cos, -sin if degrees < 0 else sin


def _cos_sin_series(x: Decimal) -> tuple[Decimal, Decimal]:
    """The Taylor series of both, for 0 ≤ x ≤ π/2, until a term no longer counts."""
    sums = [Decimal(1), x]
    term, k = x, 2
    while term and term.adjusted() > -_DIGITS - 5:
        term = term * x / k
        sums[k % 2] += -term if k % 4 in (2, 3) else term
        k += 1
    return sums[0], sums[1]

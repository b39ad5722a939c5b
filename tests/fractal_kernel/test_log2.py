"""The logarithm of Grid pictures: accurate, and exact where it can be."""

from decimal import Context, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fractal_kernel.slow.log2 import log2

EXACT = Context(prec=40)
LN_2 = EXACT.ln(Decimal(2))
POSITIVE = st.floats(2.0**-1022, 1.7976931348623157e308)
NEAR_ONE = st.floats(0.5, 2.0)


def exact_log2(x: float) -> Decimal:
    return EXACT.divide(EXACT.ln(Decimal(x)), LN_2)


@settings(max_examples=400, deadline=None)
@given(POSITIVE | NEAR_ONE | st.floats(1e6, 1e12))
def test_the_logarithm_is_right_to_four_units_in_the_last_place(x: float) -> None:
    found, exact = float(log2(x)), exact_log2(x)
    assert abs(Decimal(found) - exact) <= 4 * Decimal(2.0**-53) * abs(exact)


@pytest.mark.parametrize("power", [-1022, -1, 0, 1, 2, 20, 1023])
def test_the_logarithm_of_a_power_of_two_is_exact(power: int) -> None:
    assert float(log2(2.0**power)) == power


def test_the_logarithm_never_falls_where_mantissas_change_over() -> None:
    around = np.float64(2.0**0.5).view(np.int64) + np.arange(-200, 200)
    for shift in (0, 1 << 52, 20 << 52):
        values = log2((around + shift).view(np.float64))
        assert (np.diff(values) >= 0.0).all()

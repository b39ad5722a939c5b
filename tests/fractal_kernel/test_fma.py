"""The emulated fused multiply-add: the bits of the C library's."""

import ctypes
import math
import struct
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fractal_kernel.slow.fma import fma

_C_FMA = ctypes.CDLL("libm.so.6").fma
_C_FMA.restype = ctypes.c_double
_C_FMA.argtypes = [ctypes.c_double] * 3

Triple = tuple[float, float, float]

SPECIAL = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308)
ANY_BITS = st.integers(0, 2**64 - 1).map(lambda bits: float(struct.unpack("<d", struct.pack("<Q", bits))[0]))
ORBIT = st.floats(-1e3, 1e3) | st.floats(-2.0, 2.0)
SUBNORMAL = st.floats(-1e-307, 1e-307)


@st.composite
def near_cancellation(draw: st.DrawFn) -> Triple:
    """A summand that all but cancels the product."""
    a, b = draw(ORBIT), draw(ORBIT)
    c = -a * b
    for _ in range(draw(st.integers(0, 3))):
        c = math.nextafter(c, draw(st.sampled_from([-math.inf, math.inf])))
    return a, b, c


@st.composite
def near_a_tie(draw: st.DrawFn) -> Triple:
    """A product that lies all but half-way between two neighbours of the summand."""
    c = draw(ORBIT)
    half = math.ulp(c) / 2
    a = draw(st.sampled_from([1.0, 3.0, 1.0 + 2.0**-52, 1.0 - 2.0**-53]))
    return a, draw(st.sampled_from([half, -half])), c


TRIPLES = {
    "orbits": st.tuples(ORBIT, ORBIT, ORBIT),
    "any bits": st.tuples(ANY_BITS, ANY_BITS, ANY_BITS),
    "special values": st.tuples(*[st.sampled_from(SPECIAL) | ORBIT] * 3),
    "cancellation": near_cancellation(),
    "ties": near_a_tie(),
    "subnormal products": st.tuples(SUBNORMAL, st.floats(-2.0, 2.0), SUBNORMAL),
    "products of small factors": st.tuples(st.floats(-1e-150, 1e-150), st.floats(-1e-150, 1e-150), SUBNORMAL),
    "products near overflow": st.tuples(st.floats(1e153, 1e155), st.floats(1e153, 1e155), st.floats(-1.7e308, 1.7e308)),
}


def assert_bits_of_libm(triples: list[Triple]) -> None:
    a, b, c = np.array(triples, dtype=np.float64).reshape(-1, 3).T
    expected = np.array([_C_FMA(*triple) for triple in triples], dtype=np.float64)
    np.testing.assert_array_equal(_bits(fma(a, b, c)), _bits(expected))


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bits of each value, with one NaN for all."""
    return np.where(np.isnan(values), np.nan, values).view(np.int64)


@pytest.mark.parametrize("triples", TRIPLES.values(), ids=TRIPLES.keys())
def test_the_emulation_has_the_bits_of_libm(triples: st.SearchStrategy[Triple]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(triples, min_size=1, max_size=40))
    def check(some: list[Triple]) -> None:
        assert_bits_of_libm(some)

    check()


def test_every_combination_of_special_values_has_the_bits_of_libm() -> None:
    assert_bits_of_libm(list(product(SPECIAL, repeat=3)))


def test_a_hundred_thousand_orbit_steps_have_the_bits_of_libm() -> None:
    draw = np.random.default_rng(1)
    triples = draw.uniform(-2.0, 2.0, (100_000, 3)) * 2.0 ** draw.integers(-40, 10, (100_000, 3))
    assert_bits_of_libm([(float(a), float(b), float(c)) for a, b, c in triples])


def test_a_result_is_rounded_once() -> None:
    a = 1.0 + 2.0**-30
    assert float(fma(a, a, -1.0)) == 2.0**-29 + 2.0**-60
    assert a * a - 1.0 == 2.0**-29


def test_scalars_and_arrays_are_broadcast() -> None:
    assert fma(2.0, [1.0, 2.0], [[1.0], [0.5]]).tolist() == [[3.0, 5.0], [2.5, 4.5]]

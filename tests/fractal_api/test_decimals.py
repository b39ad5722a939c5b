import re
import time
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.contract import coordinates

from fractal_api import decimals

PROPER = ["0", "-0", "+1", "1.", ".5", "-.5", "1.50", "1e5", "1E5", "1e+5", "1e-99999", "00012", "1" * 16_384]
FOREIGN = {
    "empty": "",
    "a sign alone": "-",
    "a point alone": ".",
    "nan": "nan",
    "infinity": "inf",
    "underscore": "1_000",
    "space before": " 1",
    "space behind": "1 ",
    "line break behind": "1\n",
    "hexadecimal": "0x10",
    "comma": "1,5",
    "two points": "1.2.3",
    "no exponent": "1e",
    "six exponent digits": "1e100000",
    "nine exponent digits": "1e999999999",
    "broken exponent": "1e1.5",
    "Arabic digits": "١٢٣",
    "full-width digits": "１２",
    "minus sign": "−1",
    "too long": "1" * 16_385,
    "bytes of zero": "1\x00",
}


@pytest.mark.parametrize("text", PROPER, ids=lambda text: text[:10])
def test_a_decimal_string_is_one(text: str) -> None:
    assert decimals.is_decimal(text)
    assert re.fullmatch(decimals.PATTERN, text)


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_anything_else_is_no_decimal_string(text: str) -> None:
    assert not decimals.is_decimal(text)
    for convert in (decimals.to_decimal, decimals.to_float, decimals.normalize):
        with pytest.raises(ValueError, match="no"):
            convert(text)


@given(text=st.one_of(coordinates, st.text(max_size=10), st.text("+-0123456789.eE_ ", max_size=10)))
def test_the_pattern_of_the_schema_says_the_same(text: str) -> None:
    # Python's $ also stands before a final line break; the schema's regular expressions know no such thing.
    assume(not text.endswith("\n"))
    assert decimals.is_decimal(text) == (re.search(decimals.PATTERN, text) is not None)


@given(text=coordinates)
def test_values_are_exact(text: str) -> None:
    assert decimals.to_decimal(text) == Decimal(text)
    assert decimals.to_float(text) == float(text)


@given(text=coordinates)
def test_the_one_spelling_has_the_same_value_and_is_its_own_spelling(text: str) -> None:
    spelling = decimals.normalize(text)
    assert Decimal(spelling) == Decimal(text)
    assert not decimals.is_decimal(spelling) or decimals.normalize(spelling) == spelling


@given(text=coordinates, zeros=st.integers(0, 5), shift=st.integers(-50, 50))
def test_every_spelling_of_a_value_gives_the_one(text: str, zeros: int, shift: int) -> None:
    value = Decimal(text)
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    assume(abs(exponent) < 90_000)
    plain = "".join(map(str, digits))
    respelled = f"{'-' if sign else '+'}{'0' * zeros}{plain}.{'0' * zeros}e{exponent}"
    shifted = f"{'-' if sign else ''}{plain}{'0' * max(shift, 0)}e{exponent - max(shift, 0)}"
    assert decimals.normalize(respelled) == decimals.normalize(text) == decimals.normalize(shifted)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("1.50", "15e-1"),
        ("15e-1", "15e-1"),
        ("1024", "1024"),
        ("100", "1e2"),
        ("-0.0", "0"),
        ("0e99999", "0"),
        (".5", "5e-1"),
        ("5.", "5"),
        ("+2", "2"),
        ("1e-99999", "1e-99999"),
        ("0.001e3", "1"),
    ],
)
def test_the_one_spelling_is_short(text: str, spelling: str) -> None:
    assert decimals.normalize(text) == spelling


def test_a_value_beyond_doubles_becomes_infinite_and_one_below_them_zero() -> None:
    assert decimals.to_float("1e99999") == float("inf")
    assert decimals.to_float("-1e-99999") == 0.0


def test_the_largest_decimal_strings_are_handled_at_once() -> None:
    began = time.process_time()
    for text in ("9" * 16_378 + "e99999", "." + "0" * 16_370 + "1e-9999", "0." + "9" * 16_382):
        assert decimals.is_decimal(text)
        decimals.normalize(text)
        decimals.to_float(text)
        assert (decimals.to_decimal(text) <= Decimal("1e16000")) is (not text.endswith("e99999"))
    assert time.process_time() - began < 1.0

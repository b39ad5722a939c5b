"""Constraints in CEL: what can't be said is an error here, not at the API server."""

import pytest

from fractal_api import cel
from fractal_api.constraints import DecimalRange


@pytest.mark.parametrize("low", ["-1e5", "0", "2e-300"])
def test_a_range_that_can_t_be_compared_is_an_error(low: str) -> None:
    with pytest.raises(ValueError, match=r"must be above zero, or the same on both sides|is no power of ten"):
        cel.decimal(DecimalRange(low, "1e6", "5"))


def test_a_bound_that_is_no_power_of_ten_is_an_error() -> None:
    with pytest.raises(ValueError, match="2e6 is no power of ten"):
        cel.magnitude_at_most("self", "2e6")


@pytest.mark.parametrize(
    ("least", "most", "rule"),
    [(1, 5, "self >= 1 && self <= 5"), (0, None, "self >= 0"), (None, 7, "self <= 7")],
    ids=["both", "least", "most"],
)
def test_bounds_that_are_missing_are_left_out(least: int | None, most: int | None, rule: str) -> None:
    assert cel.between(least, most) == rule


def test_a_backslash_makes_a_raw_string() -> None:
    assert cel.literal(r"\d") == r"r'\d'"
    assert cel.literal("[0-9]") == "'[0-9]'"


@pytest.mark.parametrize("text", ["it's", "two\nlines"])
def test_a_text_that_would_end_its_quotes_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="can't be a raw string"):
        cel.literal(text)

"""Decimal strings: numbers of a spec that a double can't hold, such as a zoom of 1e1000 or a centre of 300 digits.

A decimal string is never evaluated in a way that its exponent could blow up: lengths and exponents are bounded by the
syntax, and comparisons are exact without ever writing a number out.
"""

import re
from decimal import Decimal
from typing import Final

MAX_LENGTH: Final = 16_384
"""Characters of a decimal string, at most."""

PATTERN: Final = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,5})?$"
"""The syntax, in the common subset of Python's, Rust's and RE2's regular expressions (CRDs use RE2)."""

_SYNTAX: Final = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<whole>[0-9]+)(?:[.](?P<fraction>[0-9]*))?|[.](?P<bare>[0-9]+))(?:[eE](?P<exponent>[+-]?[0-9]{1,5}))?"
)


def is_decimal(text: str) -> bool:
    """Whether the text is a decimal string: ASCII digits, at most five of them in the exponent, nothing else."""
    return len(text) <= MAX_LENGTH and _SYNTAX.fullmatch(text) is not None


def to_decimal(text: str) -> Decimal:
    """The exact value; ValueError when the text is no decimal string."""
    if not is_decimal(text):
        raise ValueError("not a decimal string")
    return Decimal(text)


def to_float(text: str) -> float:
    """The nearest double, rounded once (infinite beyond a double's range); ValueError when it is no decimal string."""
    if not is_decimal(text):
        raise ValueError("not a decimal string")
    return float(text)


def normalize(text: str) -> str:
    """The one spelling of a value: "1.50", "1.5" and "15e-1" all give "15e-1"; zero is "0" whatever its sign.

    Its exponent may have a digit more than a decimal string's, since it counts from the last digit.
    ValueError when the text is no decimal string.
    """
    match = _SYNTAX.fullmatch(text)
    if match is None or len(text) > MAX_LENGTH:
        raise ValueError("not a decimal string")
    fraction = match["bare"] or match["fraction"] or ""
    digits = ((match["whole"] or "") + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    exponent = int(match["exponent"] or 0) - len(fraction) + len(digits) - len(significant)
    sign = "-" if match["sign"] == "-" else ""
    return f"{sign}{significant}e{exponent}" if exponent else f"{sign}{significant}"

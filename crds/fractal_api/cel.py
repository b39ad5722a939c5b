"""Constraints of single values in CEL, the expression language in which the API server checks objects.

A decimal string may have 16,384 digits and an exponent beyond any double, so its range is decided on its text: by the
place of its first digit that isn't 0. That is exact for bounds that are powers of ten, and all of ours are.
"""

from typing import Final

from fractal_api import decimals
from fractal_api.constraints import DecimalRange

_ANY_DIGIT: Final = r"'^[^eE]*[1-9]'"
_WHOLE_DIGIT: Final = r"'^[+-]?0*[1-9]'"
_POWER_OF_TEN: Final = r"'^[+-]?[0.]*1[0.]*([eE]|$)'"


def matches(pattern: str, subject: str = "self") -> str:
    """Whether a text has the pattern."""
    return f"{subject}.matches({literal(pattern)})"


def literal(text: str) -> str:
    """The text as a raw string of CEL; ValueError when it can't be one."""
    if "'" in text or "\n" in text:
        raise ValueError(f"{text!r} can't be a raw string in single quotes")
    return f"r'{text}'" if "\\" in text else f"'{text}'"


def between(least: float | None, most: float | None) -> str:
    """Whether a number lies within the bounds, both included."""
    bounds = [f"self >= {least}" if least is not None else "", f"self <= {most}" if most is not None else ""]
    return " && ".join(bound for bound in bounds if bound)


def decimal(bounds: DecimalRange) -> str:
    """Whether a text is a decimal string within the bounds; ValueError on bounds that this can't compare with."""
    low, high = decimals.to_decimal(bounds.low), decimals.to_decimal(bounds.high)
    syntax = matches(decimals.PATTERN)
    if low == -high:
        return f"{syntax} && {magnitude_at_most('self', bounds.high)}"
    if low <= 0:
        raise ValueError(f"{bounds} must be above zero, or the same on both sides of it")
    within = f"m >= {_exponent(bounds.low)} && {_at_most('self', bounds.high)}"
    return f"{syntax} && !self.startsWith('-') && self.matches({_ANY_DIGIT}) && {_with_magnitude('self', within)}"


def magnitude_at_most(subject: str, high: str) -> str:
    """Whether a decimal string is at most `high`, a power of ten, but for its sign; never an error, whatever it is."""
    return f"(!{subject}.matches({_ANY_DIGIT}) || {_with_magnitude(subject, _at_most(subject, high))})"


def _at_most(subject: str, high: str) -> str:
    most = _exponent(high)
    return f"(m < {most} || (m == {most} && {subject}.matches({_POWER_OF_TEN})))"


def _exponent(power: str) -> int:
    value = decimals.to_decimal(power)
    if value.normalize().as_tuple().digits != (1,):
        raise ValueError(f"{power} is no power of ten")
    return value.adjusted()


def _with_magnitude(subject: str, condition: str) -> str:
    """The condition with `m`, the power of ten of a decimal string's first digit that isn't 0; it must have one."""
    whole = f"{subject}.find('^[+-]?[0-9]+').find('[1-9][0-9]*').size() - 1"
    fraction = f"-{subject}.find('[.]0*').size()"
    exponent = f"{subject}.matches('[eE][+-]?[0-9]{{1,5}}$') ? int({subject}.find('[+-]?[0-9]{{1,5}}$')) : 0"
    magnitude = f"({subject}.matches({_WHOLE_DIGIT}) ? {whole} : {fraction}) + ({exponent})"
    # CEL has no variables: a list of one is how a value gets a name
    return f"[{magnitude}].all(m, {condition})"

"""Given values in words that fit into a sentence: short, printable and on one line, whatever was given."""

import re
from collections.abc import Mapping
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./=-]{1,60}")

SHOWN: Final = 40
"""Characters of a given text that are shown."""


def shown(value: object) -> str:
    """A given value in words that fit into a sentence, whatever it is and however long."""
    match value:
        case None | bool():
            return "null" if value is None else str(value).lower()
        case str():
            return quoted(value)
        case int() | float():
            return _shown_number(value)
        case list() | tuple():
            return f"a list of {len(value)} item{'' if len(value) == 1 else 's'}"
        case _:
            return "an object" if isinstance(value, Mapping) else f"a value of type {type(value).__name__}"


def _shown_number(number: float) -> str:
    # Python refuses to write out an integer of more than 4,300 digits.
    huge = isinstance(number, int) and abs(number) >= 10**SHOWN
    return f"a number of more than {SHOWN} digits" if huge else f"the number {number}"


def quoted(text: str) -> str:
    """A text in quotes, on one line and printable, its middle part left out when it is long."""
    short = text if len(text) <= SHOWN else f"{text[: SHOWN // 2]}…{text[-SHOWN // 4 :]}"
    printable = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in short)
    return f'"{printable}"' if short is text else f'"{printable}" ({len(text)} characters)'


def plain(name: str) -> str:
    """A name as it is, or in quotes when it wouldn't be recognised as one in a sentence."""
    return name if _PLAIN.fullmatch(name) else quoted(name)

"""Constraints and defaults in words, for people: "a whole number from 1 to 4096"."""

import json
import typing
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, Literal

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from fractal_api.constraints import DecimalRange, OneOf, Words
from fractal_api.fields import Shape, field_shape, fields_of


def allowed(shape: Shape) -> str:
    """What may stand in a field, as words that follow "must be"."""
    return joined([_allowed(alternative) for alternative in shape.alternatives])


def says_more(shape: Shape) -> str | None:
    """A sentence about what may stand in a field, where that is more than its type; None where it isn't."""
    if shape.models or (shape.item and shape.item.models):
        return None
    inner = [part for found in shape.alternatives for part in (found, found.item, found.value) if part]
    constrained = any(_constrained(found) for part in inner for found in part.alternatives)
    return f"Must be {allowed(shape)}." if constrained else None


def is_enum(shape: Shape) -> bool:
    """Whether a shape is a closed set of words."""
    return isinstance(shape.bare, type) and issubclass(shape.bare, StrEnum)


def type_name(shape: Shape) -> str:
    """The type of a field, as kubectl explain writes it."""
    return " or ".join(dict.fromkeys(_type_name(alternative) for alternative in shape.alternatives))


def default(info: FieldInfo) -> str | None:
    """What a field is when it is absent, as it would be written in YAML; None when it has no default."""
    words = field_shape(info).constraint(Words)
    if words and words.default:
        return words.default
    value = info.default
    if info.is_required() or value in (None, "", ()) or info.default_factory is not None:
        return None
    return str(value) if isinstance(value, StrEnum) else json.dumps(value)


def joined(words: Sequence[str], link: str = "or") -> str:
    """The words as an enumeration: "a, b or c"."""
    *most, last = words
    return f"{', '.join(most)} {link} {last}" if most else last


def _constrained(shape: Shape) -> bool:
    kinds = (Ge, Le, MinLen, MaxLen, OneOf, DecimalRange, Words)
    spoken = (shape.constraint(kind) for kind in kinds)
    return shape.origin is Literal or is_enum(shape) or any(spoken)


def _allowed(shape: Shape) -> str:
    if (words := shape.constraint(Words)) and words.allowed:
        return words.allowed
    if (decimals := shape.constraint(DecimalRange)) is not None:
        return f'a decimal number from {decimals.low} to {decimals.high}, such as "{decimals.example}"'
    if (choice := shape.constraint(OneOf)) is not None:
        return joined([str(value) for value in choice.values])
    if shape.origin is Literal:
        return joined([str(value) for value in typing.get_args(shape.bare)])
    if is_enum(shape):
        return joined([str(value) for value in shape.bare])
    return _allowed_by_type(shape)


def _allowed_by_type(shape: Shape) -> str:
    if shape.models:
        return f"an object that may have {joined(list(fields_of(shape.models[0])), 'and')}"
    if shape.item is not None:
        return _allowed_list(shape, shape.item)
    if shape.value is not None:
        most = shape.constraint(MaxLen)
        count = f" of at most {most.max_length} entries" if most else ""
        return f"an object{count}" + (
            "" if shape.value.bare is Any else f" whose values are each {allowed(shape.value)}"
        )
    return _SCALARS[shape.bare] + _span(shape)


def _allowed_list(shape: Shape, item: Shape) -> str:
    least, most = shape.constraint(MinLen), shape.constraint(MaxLen)
    count = f" of {least.min_length if least else 0} to {most.max_length}" if most else ""
    return f"a list{count}, each {allowed(item)}"


def _span(shape: Shape) -> str:
    least, most = shape.constraint(Ge), shape.constraint(Le)
    longest = shape.constraint(MaxLen)
    if least and most:
        return f" from {_plain(least.ge)} to {_plain(most.le)}"
    if least:
        return f" of at least {_plain(least.ge)}"
    return f" of at most {longest.max_length} characters" if longest else ""


def _plain(bound: object) -> str:
    """A bound without the ".0" of a double."""
    return str(int(bound)) if isinstance(bound, float) and bound.is_integer() else str(bound)


def _type_name(shape: Shape) -> str:
    if shape.models:
        return "Object"
    if shape.item is not None:
        return f"[]{type_name(shape.item)}"
    if shape.value is not None:
        return "Object" if shape.value.bare is Any else f"map[string]{type_name(shape.value)}"
    return _TYPE_NAMES.get(shape.bare, "string")


_SCALARS: Final[dict[object, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    AwareDatetime: "a time such as 2030-01-31T12:00:00Z",
    Any: "anything",
}
_TYPE_NAMES: Final[dict[object, str]] = {bool: "boolean", int: "integer", float: "number", Any: "any"}

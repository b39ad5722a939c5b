"""Structural schemas of the models, as a CRD has them.

Bounds of numbers and the syntax of texts are CEL with a sentence of ours: the same that the parser says. Kinds of
values, required fields and enums keep the API server's words, which are plain enough. A part never has a default as a
whole: whether it was written at all must stay visible.
"""

from enum import StrEnum
from typing import Any, Final, Literal

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from fractal_api import cel
from fractal_api.conditions import Condition
from fractal_api.constraints import DecimalRange, OneOf, Part
from fractal_api.fields import Shape, field_shape, fields_of
from fractal_api.metadata import LabelSelector
from fractal_api.wording import allowed, default, is_enum, says_more

Schema = dict[str, Any]

_NO_CEL_LENGTH: Final = 64
"""A short text with a syntax may be this long before its length is what is complained about."""


def part_schema(model: type[BaseModel], path: str) -> Schema:
    """The schema of a part, its fields described; `path` is how sentences call it."""
    fields = fields_of(model)
    schema: Schema = {"type": "object"}
    if model is LabelSelector:
        schema["x-kubernetes-map-type"] = "atomic"  # halves of two people's selectors would choose what neither meant
    if required := [name for name, info in fields.items() if info.is_required()]:
        schema["required"] = required
    written = issubclass(model, Part)
    schema["properties"] = {name: field_schema(info, f"{path}.{name}", written) for name, info in fields.items()}
    rules = [_not_a_comment(name, info, path) for name, info in fields.items() if _looks_like_a_comment(info)]
    return schema | ({"x-kubernetes-validations": rules} if rules else {})


def field_schema(info: FieldInfo, path: str, written: bool) -> Schema:
    """The schema of a field; `written` is whether a person writes it, so that it is checked with sentences."""
    shape = field_shape(info)
    schema: Schema = {"description": _described(info, shape) if written else info.description}
    if written and (value := _default(info)) is not None:
        schema["default"] = value
    if _looks_like_a_comment(info):
        schema["nullable"] = True
    return schema | _schema(shape, path, written)


def _looks_like_a_comment(info: FieldInfo) -> bool:
    """Whether YAML reads the field's values as comments, and so as null, when they aren't quoted.

    The API server silently puts a default in the place of a null, unless null may stand there; then a rule sees it.
    """
    return isinstance(info.default, str) and info.default.startswith("#")


def _not_a_comment(name: str, info: FieldInfo, path: str) -> Schema:
    may = allowed(field_shape(info))
    message = f"{path}.{name} must be {may}, not null: quote it, since # begins a comment"
    return {"rule": f"has(self.{name})", "message": message, "fieldPath": f".{name}"}


def _default(info: FieldInfo) -> object:
    """The default of a single value; None when there is none, or when it is a whole part's."""
    value = info.default
    if info.is_required() or info.default_factory is not None or value in ("", ()):
        return None
    return str(value) if isinstance(value, StrEnum) else value


def _described(info: FieldInfo, shape: Shape) -> str:
    """The field's text, with what it may be where its type doesn't say it, and its default."""
    sentences = [info.description or ""]
    if more := says_more(shape):
        sentences.append(more)
    if written := default(info):
        sentences.append(f"Default: {written}.")
    return " ".join(sentences)


def _schema(shape: Shape, path: str, written: bool) -> Schema:
    alternatives = shape.alternatives
    if len(alternatives) > 1:
        return _number_or_word(shape, path)
    (only,) = alternatives
    if only.models:
        return part_schema(only.models[0], path)
    if only.item is not None:
        return _list(only, only.item, path, written)
    if only.value is not None:
        return _map(only, only.value, path, written)
    return _scalar(only, path, written)


def _number_or_word(shape: Shape, path: str) -> Schema:
    """An integer or one of a few words: the one union that we have, and the one that a structural schema can say."""
    number = next(found for found in shape.alternatives if found.bare is int)
    words = [word for found in shape.alternatives if found.origin is Literal for word in found.bare.__args__]
    is_word = " || ".join(f"self == {cel.literal(word)}" for word in words)
    rule = f"type(self) == int ? {_bounds(number)} : ({is_word})"
    return {"x-kubernetes-int-or-string": True, **_checked(rule, f"{path} must be {allowed(shape)}")}


def _list(shape: Shape, item: Shape, path: str, written: bool) -> Schema:
    schema: Schema = {"type": "array", "items": _schema(item, f"each of {path}", written)}
    if most := shape.constraint(MaxLen):
        schema["maxItems"] = most.max_length
    if item.bare is Condition:
        schema |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    if least := shape.constraint(MinLen):
        schema |= _checked(f"self.size() >= {least.min_length}", f"{path} must be {allowed(shape)}")
    return schema


def _map(shape: Shape, value: Shape, path: str, written: bool) -> Schema:
    if value.bare is Any:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema: Schema = {"type": "object", "additionalProperties": _schema(value, f"each of {path}", written)}
    if most := shape.constraint(MaxLen):
        schema["maxProperties"] = most.max_length
    return schema


def _scalar(shape: Shape, path: str, written: bool) -> Schema:
    if shape.origin is Literal:
        return {"type": "string", "enum": list(shape.bare.__args__)}
    if is_enum(shape):
        return {"type": "string", "enum": [str(value) for value in shape.bare]}
    schema: Schema = dict(_TYPES[shape.bare])
    if choice := shape.constraint(OneOf):
        return schema | {"enum": list(choice.values)}
    if shape.bare is str:
        return schema | _text(shape, path)
    if not written:
        return schema | ({"minimum": least.ge} if (least := shape.constraint(Ge)) else {})
    return schema | (_checked(rule, f"{path} must be {allowed(shape)}") if (rule := _bounds(shape)) else {})


def _text(shape: Shape, path: str) -> Schema:
    schema: Schema = {}
    pattern = _pattern(shape)
    if most := shape.constraint(MaxLen):
        schema["maxLength"] = most.max_length
    elif pattern:
        schema["maxLength"] = _NO_CEL_LENGTH
    if least := shape.constraint(MinLen):
        schema["minLength"] = least.min_length
    if bounds := shape.constraint(DecimalRange):
        return schema | _checked(cel.decimal(bounds), f"{path} must be {allowed(shape)}")
    if pattern:
        return schema | _checked(cel.matches(pattern), f"{path} must be {allowed(shape)}")
    return schema


def _pattern(shape: Shape) -> str | None:
    """The regular expression of a text; pydantic keeps it in a class of its own."""
    found = (getattr(entry, "pattern", None) for entry in shape.metadata)
    return next((pattern for pattern in found if isinstance(pattern, str)), None)


def _bounds(shape: Shape) -> str:
    least, most = shape.constraint(Ge), shape.constraint(Le)
    return cel.between(least and least.ge, most and most.le)  # type: ignore[arg-type] # our bounds are numbers


def _checked(rule: str, message: str) -> Schema:
    return {"x-kubernetes-validations": [{"rule": rule, "message": message}]}


_TYPES: Final[dict[object, Schema]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number", "format": "double"},
    str: {"type": "string"},
    AwareDatetime: {"type": "string", "format": "date-time"},
}

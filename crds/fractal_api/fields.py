"""The fields of the models, found by their path: what error sentences, `fractal explain` and generators look at."""

import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar, Union, cast

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fractal_api.quoting import plain

_Constraint = TypeVar("_Constraint")

_KEY_MARK: Final = "[key]"
"""How pydantic marks the key, not the value, of a mapping's entry in the place of an error."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type with the constraints that stand on it."""

    bare: Any
    metadata: tuple[object, ...] = ()

    @property
    def origin(self) -> Any:  # noqa: ANN401 - a type's origin may be any object of the typing module
        """The type without its parameters: `tuple` for `tuple[str, ...]`."""
        return typing.get_origin(self.bare) or self.bare

    @property
    def alternatives(self) -> "list[Shape]":
        """The shapes that a union or an annotation is made of, each with its constraints; None is left out."""
        if self.origin is Annotated:
            bare, *inner = typing.get_args(self.bare)
            return Shape(bare, (*self.metadata, *_flat(inner))).alternatives
        if self.origin in (Union, types.UnionType):
            return [shape for part in typing.get_args(self.bare) for shape in Shape(part, self.metadata).alternatives]
        return [] if self.bare is types.NoneType else [self]

    @property
    def models(self) -> list[type[BaseModel]]:
        """The models among the alternatives: at most one in our schemas."""
        bare = (shape.bare for shape in self.alternatives)
        return [model for model in bare if isinstance(model, type) and issubclass(model, BaseModel)]

    @property
    def item(self) -> "Shape | None":
        """The shape of a list's items; None when no alternative is a list."""
        return next((Shape(typing.get_args(s.bare)[0]) for s in self.alternatives if s.origin in (list, tuple)), None)

    @property
    def value(self) -> "Shape | None":
        """The shape of a mapping's values; None when no alternative is a mapping."""
        return next((Shape(typing.get_args(s.bare)[1]) for s in self.alternatives if s.origin is dict), None)

    def constraint(self, kind: type[_Constraint]) -> _Constraint | None:
        """The constraint of that kind on this very shape, if there is one."""
        return next((found for found in self.metadata if isinstance(found, kind)), None)

    def admits(self, number: int) -> bool:
        """Whether a number lies within the bounds of this very shape."""
        least, most = self.constraint(Ge), self.constraint(Le)
        return (least is None or number >= cast("int", least.ge)) and (most is None or number <= cast("int", most.le))


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    """The constraints of an annotation; `Field(…)` inside one brings several."""
    for entry in metadata:
        if isinstance(entry, FieldInfo):
            yield from entry.metadata
        else:
            yield entry


def field_shape(info: FieldInfo) -> Shape:
    """The shape of a model's field."""
    return Shape(info.annotation, tuple(_flat(info.metadata)))


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by the names that they have in a manifest."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a manifest; `shape` and `info` are None for what is no field."""

    path: str
    shape: Shape | None
    info: FieldInfo | None = None

    def step(self, name: str | int) -> "Place":
        """The place one name further down. The names that pydantic gives to a union's parts lead nowhere."""
        if self.shape is None:
            return self
        if isinstance(name, int):
            return Place(path=f"{self.path}[{name}]", shape=self.shape.item)
        for model in self.shape.models:
            return self._field(model, name)
        if self.shape.value is None or name == _KEY_MARK:
            return self
        return Place(path=self._join(plain(name)), shape=self.shape.value)

    def _field(self, model: type[BaseModel], name: str) -> "Place":
        info = fields_of(model).get(name)
        return Place(path=self._join(name), shape=info and field_shape(info), info=info)

    def _join(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def root(model: type[BaseModel]) -> Place:
    """The place of a whole manifest of that model."""
    return Place(path="", shape=Shape(model))


def locate(model: type[BaseModel], names: Iterable[str | int]) -> Place:
    """The place that a sequence of names leads to."""
    place = root(model)
    for name in names:
        place = place.step(name)
    return place

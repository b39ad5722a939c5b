"""What the models' fields are made of: the base of all parts, and constraints that generators can read back.

Constraints stand in the annotations as plain data, so that the CRD schemas, `fractal explain` and the sentences about
bad input all come from the one place that also enforces them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from fractal_api import decimals
from fractal_api.fields import field_shape, fields_of


class Part(BaseModel):
    """A part of a spec: unknown fields are refused, and nothing is converted silently.

    A part, list or mapping that is null is absent: `image:` with nothing behind it is null in YAML, and means no more.
    Other fields take no null: `inside: #ff8800` without quotes is one too, and means something.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_null_parts(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        return {key: value for key, value in values.items() if value is not None or key not in cls._parts()}

    @classmethod
    @cache
    def _parts(cls) -> frozenset[str]:
        """The fields that hold more than one value."""
        shapes = ((name, field_shape(info)) for name, info in fields_of(cls).items())
        return frozenset(name for name, shape in shapes if shape.models or shape.item or shape.value)


class StatusPart(BaseModel):
    """A part of a status: fields of a newer version are ignored, since we only read what another program wrote."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class Words:
    """Words for people where a constraint or a default doesn't speak for itself."""

    allowed: str | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """An integer of a closed set."""

    values: tuple[int, ...]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "enum": list(self.values)}

    def _check(self, value: int) -> int:
        if value not in self.values:
            raise PydanticCustomError("one_of", "not one of the values")
        return value


@dataclass(frozen=True)
class DecimalRange:
    """A decimal string from `low` to `high`, both included; `example` shows people one."""

    low: str
    high: str
    example: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    @cached_property
    def _bounds(self) -> tuple[Decimal, Decimal]:
        return decimals.to_decimal(self.low), decimals.to_decimal(self.high)

    def _check(self, text: str) -> str:
        low, high = self._bounds
        if not low <= decimals.to_decimal(text) <= high:
            raise PydanticCustomError("decimal_range", "outside the range")
        return text


_DecimalText = Annotated[str, Field(max_length=decimals.MAX_LENGTH, pattern=decimals.PATTERN)]

Coordinate = Annotated[_DecimalText, DecimalRange("-1e308", "1e308", "-0.75")]
"""A number of the complex plane; the bounds keep its rounding to a double finite."""

Zoom = Annotated[_DecimalText, DecimalRange("1e-300", "1e16000", "1e50")]
"""One over the height of the view."""

Degrees = Annotated[_DecimalText, DecimalRange("-1e6", "1e6", "30")]
"""An angle; bounded so that reducing it to one turn is cheap and exact."""

StretchFactor = Annotated[_DecimalText, DecimalRange("1e-100", "1e100", "1.5")]
"""A factor of lengths; bounded so that the matrix stays within doubles."""

HexColor = Annotated[
    str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), Words(allowed='a colour as "#rrggbb", such as "#ff8800"')
]
"""An sRGB colour."""

_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_LABEL: Final = rf"^{_LABEL}$"
DNS_NAME: Final = rf"^{_LABEL}([.]{_LABEL})*$"

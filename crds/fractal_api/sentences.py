"""What is wrong with a manifest, as sentences: the field, what it may be, and what was given."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from fractal_api import rules
from fractal_api.constraints import DecimalRange
from fractal_api.decimals import MAX_LENGTH
from fractal_api.errors import SpecError
from fractal_api.fields import Place, Shape, fields_of, locate
from fractal_api.quoting import plain, shown
from fractal_api.wording import allowed, joined

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_IDENTITY: Final = ("apiVersion", "kind")
_LONG_EXPONENT: Final = re.compile(r"[eE][+-]?[0-9]{6,}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: the field's path, and the rest of the sentence that begins with it."""

    field: str
    rest: str
    unknown: bool = False


def problems(model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """The mistakes that pydantic found, one a field: a wrong kind, unknown fields, then in the order of the fields."""
    found: dict[str, Problem] = {}
    for details in error.errors(include_url=False):
        for problem in _problems(model, details):
            # A union's parts each complain about the same field; rules may have several words on one.
            found.setdefault(problem.rest if details["type"] == rules.BROKEN else problem.field, problem)
    # A list with a wrong item is also too short to pydantic, which counts the right ones.
    first = [problem for problem in found.values() if not any(name.startswith(f"{problem.field}[") for name in found)]
    return sorted(first, key=_rank)


def _rank(problem: Problem) -> tuple[int, str]:
    """Where a mistake stands among others, which otherwise keep their order."""
    if problem.field in _IDENTITY:
        return 0, ""
    # What is unknown is often the misspelt name of what is missing.
    return (1, problem.field) if problem.unknown else (2, "")


def spec_error(found: list[Problem], name: Callable[[str], str] = str) -> SpecError:
    """The first mistake, and how many more there are; `name` turns a path into what the user calls it."""
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return SpecError(name(first.field), f"{name(first.field)} {first.rest}{more}")


def nearest(name: str, names: list[str]) -> str | None:
    """The name that was probably meant."""
    lowered = {known.lower(): known for known in names}
    matches = difflib.get_close_matches(name.lower()[:100], lowered, n=1)
    return lowered[matches[0]] if matches else None


def _problems(model: type[BaseModel], details: "ErrorDetails") -> list[Problem]:
    match details["type"]:
        case "default_factory_not_called":  # only follows from another mistake
            return []
        case rules.BROKEN:
            broken: list[rules.Breach] = details["ctx"]["breaches"]
            return [Problem(field=breach.field, rest=f"{breach.rest}") for breach in broken]
        case "extra_forbidden":
            return [_unknown(model, details["loc"])]
        case "invalid_key":
            place = locate(model, details["loc"][:-1])
            return [Problem(field=_name(place), rest=f"must have texts as names, not {shown(details['input'])}")]
        case "missing":
            place = locate(model, details["loc"])
            return [Problem(field=_name(place), rest=f"is missing: it must be {_allowed(place)}")]
        case kind:
            return [_refused(locate(model, details["loc"]), kind, details["input"])]


def _unknown(model: type[BaseModel], names: tuple[int | str, ...]) -> Problem:
    """A field that isn't there, with those that are."""
    *parents, last = names
    parent = locate(model, parents)
    known = list(fields_of(parent.shape.models[0])) if parent.shape else []
    name = plain(str(last))
    meant = nearest(str(last), known)
    hint = f" (did you mean {meant}?)" if meant else ""
    path = f"{parent.path}.{name}" if parent.path else name
    return Problem(field=path, rest=f"is unknown{hint}: {_name(parent)} may have {joined(known, 'and')}", unknown=True)


def _refused(place: Place, kind: str, given: object) -> Problem:
    """A value that may not stand where it stands."""
    may = _allowed(place)
    if _is_decimal(place):
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return Problem(field=_name(place), rest=f"must be {may}, not {shown(given)} without quotes: quote it")
        if kind == "string_too_long":
            may += f", of at most {MAX_LENGTH} characters"
        elif isinstance(given, str) and _LONG_EXPONENT.search(given):
            may += ", with at most five exponent digits"
    quote = ": quote it, since # begins a comment" if given is None and "#" in may else ""
    return Problem(field=_name(place), rest=f"must be {may}, not {shown(given)}{quote}")


def _is_decimal(place: Place) -> bool:
    shapes: list[Shape] = place.shape.alternatives if place.shape else []
    return any(shape.constraint(DecimalRange) for shape in shapes)


def _allowed(place: Place) -> str:
    return allowed(place.shape) if place.shape else "absent"


def _name(place: Place) -> str:
    return place.path or "the manifest"

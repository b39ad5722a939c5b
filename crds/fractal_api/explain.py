"""`fractal explain`: what a field means, its type, its default and what it may be, as `kubectl explain` would say.

Everything is read from the models, so it works without a cluster and can't contradict the parser.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fractal_api import GROUP, VERSION
from fractal_api.errors import SpecError
from fractal_api.fields import Place, Shape, field_shape, fields_of, root
from fractal_api.jobs import FractalJob
from fractal_api.kinds import KINDS, Kind
from fractal_api.quoting import plain
from fractal_api.sentences import nearest
from fractal_api.wording import allowed, default, joined, type_name

WIDTH: Final = 100

_KINDS: Final[dict[str, Kind]] = {name: kind for kind in KINDS for name in kind.names}
_MESSAGES: Final = {kind.model: [(rule.field, rule.message) for rule in kind.rules] for kind in KINDS}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as the other commands do."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"fractal: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """What a field means, what it may be, and its default."""
    parser = _Parser(prog="fractal explain", description=main.__doc__)
    parser.add_argument(
        "field",
        nargs="?",
        default="",
        help="such as spec.image.samples or fractalnamespace.spec.nodes; all fields of a FractalJob when absent",
    )
    try:
        options = parser.parse_args(argv)
    except SystemExit as ended:
        return int(ended.code or 0)
    try:
        sys.stdout.write(explain(options.field))
    except SpecError as error:
        sys.stderr.write(f"fractal: {error}\n")
        return 2
    return 0


def explain(path: str = "") -> str:
    """The text about the field at a dotted path, which may begin with a kind; SpecError when there is no such field."""
    model, names = _split(path)
    place = root(model)
    for name in names:
        place = _below(place, name)
    shape = place.shape or Shape(model)
    lines = [f"GROUP:    {GROUP}", f"KIND:     {model.__name__}", f"VERSION:  {VERSION}", ""]
    if place.info is not None:
        lines += [f"FIELD:    {place.path} {_marked(place.info)}", *_about(place.info, shape), ""]
    lines += ["DESCRIPTION:", *_wrapped(_text(place, model), 4)]
    rules = [message for field, message in _MESSAGES[model] if field == place.path]
    if rules:
        lines += ["", "RULES:", *(line for rule in rules for line in _wrapped(rule, 4))]
    if inner := _inner(shape):
        lines += ["", "FIELDS:", *(_tree(inner, 1) if not names else _fields(inner))]
    return "\n".join(lines).rstrip() + "\n"


def _split(path: str) -> tuple[type[BaseModel], list[str]]:
    """The kind that a path is about, and the names of the path; a part of the spec may be named without `spec`."""
    names = [name for name in path.strip().split(".") if name]
    model: type[BaseModel] = FractalJob
    if names and names[0].lower() in _KINDS:
        model = _KINDS[names.pop(0).lower()].model
    spec = _inner(field_shape(fields_of(model)["spec"]))
    if names and spec and names[0] not in fields_of(model) and names[0] in fields_of(spec):
        names.insert(0, "spec")
    return model, names


def _below(place: Place, name: str) -> Place:
    """The field of that name in a part, or in the items of a list."""
    model = _inner(place.shape) if place.shape else None
    known = list(fields_of(model)) if model else []
    if place.shape is None or model is None or name not in known:
        where = place.path or "a manifest"
        meant = nearest(name, known)
        hint = f" (did you mean {meant}?)" if meant else ""
        may = f"may have {joined(known, 'and')}" if known else "has no fields of its own"
        raise SpecError(place.path, f"{plain(name)} is unknown{hint}: {where} {may}")
    part = place.shape if place.shape.models else Shape(model)
    return Place(path=place.path, shape=part).step(name)


def _inner(shape: Shape) -> type[BaseModel] | None:
    """The model of a part, or of a list's items."""
    models = shape.models or (shape.item.models if shape.item else [])
    return models[0] if models else None


def _about(info: FieldInfo, shape: Shape) -> Iterator[str]:
    if (written := default(info)) is not None:
        yield f"DEFAULT:  {written}"
    if _inner(shape) is None:
        yield from _hanging("ALLOWED:  ", allowed(shape))


def _marked(info: FieldInfo) -> str:
    return f"<{type_name(field_shape(info))}>" + (" -required-" if info.is_required() else "")


def _otherwise(info: FieldInfo) -> str:
    written = default(info)
    return f" (default {written})" if written else ""


def _text(place: Place, model: type[BaseModel]) -> str:
    return (place.info and place.info.description) or model.__doc__ or ""


def _fields(model: type[BaseModel]) -> Iterator[str]:
    """The fields of a part, each with its text."""
    for name, info in fields_of(model).items():
        yield f"  {name} {_marked(info)}{_otherwise(info)}"
        yield from _wrapped(info.description or "", 4)
        yield ""


def _tree(model: type[BaseModel], depth: int) -> Iterator[str]:
    """The fields of a manifest and, indented, those within them."""
    for name, info in fields_of(model).items():
        yield f"{'  ' * depth}{name} {_marked(info)}{_otherwise(info)}"
        inner = _inner(field_shape(info))
        if inner is not None and name != "metadata":
            yield from _tree(inner, depth + 1)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _hanging(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=label, subsequent_indent=" " * len(label))

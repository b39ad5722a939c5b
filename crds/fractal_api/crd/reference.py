"""The reference page of a kind: every field with its type, default and text, and every rule."""

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fractal_api import GROUP, VERSION
from fractal_api.constraints import Part
from fractal_api.fields import Shape, field_shape, fields_of
from fractal_api.kinds import CATEGORY, Column, Kind
from fractal_api.wording import default, says_more, type_name

_INTRODUCTION: Final = """\
<!-- Made from the models of crds/fractal_api by `make generate`: change those, not this. -->

# {name}

{about}

`{group}/{version}`, {scope}; `kubectl get {short_name}`, and with the others `kubectl get {category}`.
`kubectl explain {singular}.spec` and `fractal explain {singular}.spec` say the same as this page.
"""


def build_page(kind: Kind) -> str:
    """The page, as Markdown."""
    introduction = _INTRODUCTION.format(
        name=kind.name,
        about=kind.model.__doc__,
        group=GROUP,
        version=VERSION,
        scope=f"{kind.scope.lower()}" if kind.scope == "Namespaced" else "cluster-scoped",
        short_name=kind.short_name,
        category=CATEGORY,
        singular=kind.singular,
    )
    parts = [_part(path, info, model) for path, info, model in _parts(kind.model)]
    return "\n".join([introduction, *parts, _rules(kind), _columns(kind)])


def _parts(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo, type[BaseModel]]]:
    """The parts of a manifest, each before those within it, with its path and the field that holds it."""
    for name, info in fields_of(model).items():
        here = f"{path}.{name}" if path else name
        for inner in _inner(field_shape(info)) if here != "metadata" else []:
            yield here, info, inner
            yield from _parts(inner, here)


def _inner(shape: Shape) -> list[type[BaseModel]]:
    return shape.models or (shape.item.models if shape.item else [])


def _part(path: str, info: FieldInfo, model: type[BaseModel]) -> str:
    rows = [_row(name, field, issubclass(model, Part)) for name, field in fields_of(model).items()]
    # of a list the page shows the items, which a docstring describes; the list itself has its row above
    about = (model.__doc__ or "").partition("\n")[0] if field_shape(info).item else info.description or ""
    head = ["| field | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {path}", "", _escaped(about), "", *head, *rows, ""])


def _row(name: str, info: FieldInfo, written: bool) -> str:
    shape = field_shape(info)
    # what another program writes has no defaults that a reader could rely on
    value = "**required**" if info.is_required() else (_code(default(info)) if written else "")
    may = f" {says_more(shape)}" if written and says_more(shape) else ""
    return f"| `{name}` | {type_name(shape)} | {value} | {_escaped((info.description or '') + may)} |"


def _code(text: str | None) -> str:
    return f"`{text}`" if text is not None else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _rules(kind: Kind) -> str:
    sentences = [f"- {_escaped(rule.message)}." for rule in kind.rules]
    if kind.fixed:
        parts = ", ".join(f"`spec.{part}`" for part in kind.fixed)
        sentences.append(f"- {parts}: none of these can be changed, added or removed later; make a new {kind.name}.")
    return "\n".join(["## Rules between fields", "", *sentences, ""])


def _columns(kind: Kind) -> str:
    head = ["| column | of | meaning |", "|---|---|---|"]
    return "\n".join(["## What `kubectl get` shows", "", *head, *(_column(column) for column in kind.columns), ""])


def _column(column: Column) -> str:
    wide = " (with `-o wide`)" if column.wide else ""
    path = column.path.replace("|", "\\|")
    return f"| {column.name}{wide} | `{path}` | {column.description} |"

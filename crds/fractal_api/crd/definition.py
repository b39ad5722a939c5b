"""The CustomResourceDefinition of a kind."""

from typing import Any

from fractal_api import GROUP, VERSION
from fractal_api.crd.schema import Schema, part_schema
from fractal_api.fields import field_shape, fields_of
from fractal_api.kinds import CATEGORY, Column, Kind


def build_definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition, as JSON values."""
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": _subresources(kind),
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": build_schema(kind)},
    }
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": [kind.short_name],
        "categories": [CATEGORY],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": kind.scope.value, "names": names, "versions": [version]},
    }


def build_schema(kind: Kind) -> Schema:
    """The schema of whole objects, with the rules between their fields."""
    schema: Schema = {
        "description": kind.model.__doc__,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": _text(kind, "apiVersion")},
            "kind": {"type": "string", "description": _text(kind, "kind")},
            # the API server looks after metadata itself; that there is a name is all that a schema may add
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            **{name: _described_part(kind, name) for name in ("spec", "status")},
        },
    }
    place = schema["properties"][kind.rules_at] if kind.rules_at else schema
    place["x-kubernetes-validations"] = [*_rules(kind), *(_fixed(kind, part) for part in kind.fixed)]
    return schema


def _text(kind: Kind, name: str) -> str:
    return fields_of(kind.model)[name].description or ""


def _described_part(kind: Kind, name: str) -> Schema:
    model = field_shape(fields_of(kind.model)[name]).models[0]
    return {"description": _text(kind, name), **part_schema(model, name)}


def _rules(kind: Kind) -> list[Schema]:
    return [
        {
            "rule": rule.cel,
            "message": rule.message,
            "fieldPath": f".{rule.field}".removeprefix(f".{kind.rules_at}" if kind.rules_at else ""),
        }
        for rule in kind.rules
        if rule.cel is not None
    ]


def _fixed(kind: Kind, part: str) -> Schema:
    """A part that can't change, appear or vanish: a rule within it wouldn't see it come or go."""
    spec = field_shape(fields_of(kind.model)["spec"]).models[0]
    same = f"self.{part} == oldSelf.{part}"
    if not fields_of(spec)[part].is_required():
        same = f"has(self.{part}) == has(oldSelf.{part}) && (!has(self.{part}) || {same})"
    return {
        "rule": same,
        "message": f"spec.{part} can't be changed, added or removed later: it defines the picture, "
        f"so make a new {kind.name}",
        "fieldPath": f".{part}",
    }


def _column(column: Column) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
    }
    return shown | ({"priority": 1} if column.wide else {})


def _subresources(kind: Kind) -> dict[str, Any]:
    status: dict[str, Any] = {"status": {}}
    if kind.scale is None:
        return status
    paths = {
        "specReplicasPath": kind.scale.wanted,
        "statusReplicasPath": kind.scale.actual,
        "labelSelectorPath": kind.scale.selector,
    }
    return status | {"scale": paths}

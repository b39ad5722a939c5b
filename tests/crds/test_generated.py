"""The generated files: up to date, complete, and free of what Kubernetes or YAML would trip over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from support.checkout import ROOT

import generate
from fractal_api.crd.definition import build_definition, build_schema
from fractal_api.crd.reference import build_page
from fractal_api.fields import field_shape, fields_of
from fractal_api.kinds import JOBS, KINDS, NAMESPACES, Column, Kind

Schema = dict[str, Any]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def schemas(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every field's schema by its path, lists' and mappings' values among them."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", inner
        yield from schemas(inner, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield f"{path}[]", schema[word]
            yield from schemas(schema[word], f"{path}[]")


def fields(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every field of a model by its path, as `schemas` writes it."""
    for name, info in fields_of(model).items():
        here, shape = f"{path}.{name}", field_shape(info)
        yield here
        for inner in shape.models:
            yield from fields(inner, here)
        for inner in shape.item.models if shape.item else []:
            yield from fields(inner, f"{here}[]")


def test_the_files_are_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(generate.generated()))
def test_a_stale_file_is_named(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--root", str(tmp_path)]) == 0
    assert generate.main(["--root", str(tmp_path), "--check"]) == 0
    file = tmp_path / path
    file.write_text(f"{file.read_text()}\n")
    assert generate.main(["--root", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().err == f"{path} is not what the models say: run `make generate`\n"


def test_a_missing_file_is_stale_and_written_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate.main(["--root", str(tmp_path)])
    (tmp_path / "crds" / "fractaljobs.yaml").unlink()
    assert generate.main(["--root", str(tmp_path), "--check"]) == 1
    capsys.readouterr()
    assert generate.main(["--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "crds/fractaljobs.yaml is new\n"
    assert (tmp_path / "crds" / "fractaljobs.yaml").read_text() == generate.generated()["crds/fractaljobs.yaml"]


@every_kind
def test_the_yaml_says_what_the_definition_says(kind: Kind) -> None:
    text = (ROOT / "crds" / f"{kind.plural}.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == build_definition(kind)


@every_kind
def test_every_field_of_the_models_is_in_the_schema(kind: Kind) -> None:
    found = {path for path, _ in schemas(build_schema(kind))}
    wanted = {path for path in fields(kind.model) if not path.startswith(".metadata")}
    assert wanted - found == set()


@every_kind
def test_every_field_has_a_text_for_kubectl_explain(kind: Kind) -> None:
    silent = [path for path, schema in schemas(build_schema(kind)) if not schema.get("description")]
    assert {path for path in silent if "[]" not in path.rpartition(".")[2]} == {".metadata", ".metadata.name"}


@every_kind
def test_no_part_has_a_default_as_a_whole(kind: Kind) -> None:
    defaults = {path: schema["default"] for path, schema in schemas(build_schema(kind)) if "default" in schema}
    assert defaults
    assert [path for path, value in defaults.items() if isinstance(value, (dict, list))] == []


@every_kind
def test_the_status_has_no_defaults_and_no_rules(kind: Kind) -> None:
    status = dict(schemas(build_schema(kind)["properties"]["status"]))
    assert status
    assert [
        path for path, schema in status.items() if "default" in schema or "x-kubernetes-validations" in schema
    ] == []


@every_kind
def test_every_rule_has_a_sentence_of_one_line(kind: Kind) -> None:
    schema = build_schema(kind)
    rules = [rule for _, part in [("", schema), *schemas(schema)] for rule in part.get("x-kubernetes-validations", [])]
    assert len(rules) > 5
    for rule in rules:
        assert "must be" in rule["message"] or "must have" in rule["message"] or "can't be" in rule["message"]
        assert "\n" not in rule["message"] + rule["rule"]


YAML_BOOLEANS = {"y", "n", "yes", "no", "on", "off", "true", "false"}


@every_kind
def test_no_name_or_word_of_a_spec_is_one_that_yaml_takes_for_a_boolean(kind: Kind) -> None:
    spec = dict(schemas(build_schema(kind)["properties"]["spec"]))
    words = {str(word).lower() for schema in spec.values() for word in schema.get("enum", [])}
    names = {path.rpartition(".")[2].lower() for path in spec}
    assert len(names) > 10
    assert (words | names) & YAML_BOOLEANS == set()


COLUMNS = [(kind, column) for kind in KINDS for column in kind.columns]


@pytest.mark.parametrize(("kind", "column"), COLUMNS, ids=[f"{kind.short_name}-{c.name}" for kind, c in COLUMNS])
def test_a_column_shows_a_field_of_its_type(kind: Kind, column: Column) -> None:
    known = dict(schemas(build_schema(kind)))
    path = column.path.partition("[?")[0]
    if path == ".metadata.creationTimestamp":
        assert column.type == "date"
    elif path != column.path:
        member = column.path.rpartition(".")[2]
        assert (known[f"{path}[].{member}"]["type"], column.type) == ("string", "string")
    else:
        assert known[path]["type"] == column.type


def test_scale_leads_to_fields_of_a_world() -> None:
    known = dict(schemas(build_schema(NAMESPACES)))
    scale = NAMESPACES.scale
    assert scale is not None
    assert (known[scale.wanted]["type"], known[scale.actual]["type"]) == ("integer", "integer")
    assert known[scale.selector]["type"] == "string"
    assert JOBS.scale is None


@every_kind
def test_the_reference_page_names_every_field_and_rule(kind: Kind) -> None:
    page = build_page(kind)
    for path in fields(kind.model):
        if not path.startswith(".metadata") and path.count(".") > 1:
            assert f"| `{path.rpartition('.')[2]}` |" in page
    for rule in kind.rules:
        assert f"- {rule.message.replace('<', '&lt;')}." in page

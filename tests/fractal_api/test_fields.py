import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from fractal_api import GROUP, VERSION, conditions
from fractal_api.conditions import ConditionStatus
from fractal_api.constraints import Part, Words
from fractal_api.fields import Shape, field_shape, fields_of, locate
from fractal_api.job_rules import JOB_RULES
from fractal_api.jobs import FractalJob
from fractal_api.metadata import ObjectMeta
from fractal_api.namespaces import NAMESPACE_RULES, FractalNamespace
from fractal_api.picture import SAMPLES, ImagePart
from fractal_api.wording import allowed, type_name

KINDS: list[type[BaseModel]] = [FractalJob, FractalNamespace]


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel], str]]:
    """Every field of a kind: its path, the model that has it, and its name there."""
    for name, info in fields_of(model).items():
        here = f"{path}.{name}" if path else name
        yield here, model, name
        shape = field_shape(info)
        for inner in [*shape.models, *(shape.item.models if shape.item else [])]:
            yield from fields(inner, here)


FIELDS = [(f"{kind.__name__}.{path}", model, name) for kind in KINDS for path, model, name in fields(kind)]
every_field = pytest.mark.parametrize(("model", "name"), [field[1:] for field in FIELDS], ids=[f[0] for f in FIELDS])

DEFAULTS = {
    path: info
    for path, model, name in FIELDS
    if not (info := fields_of(model)[name]).is_required() and info.default_factory is None
}
MODELS = sorted({*KINDS, *(model for _, model, _ in FIELDS)}, key=lambda model: model.__name__)


def shapes(model: type[BaseModel], name: str) -> list[Shape]:
    found = field_shape(fields_of(model)[name]).alternatives
    return found + [
        inner for shape in found for part in (shape.item, shape.value) if part for inner in part.alternatives
    ]


@every_field
def test_a_field_has_a_text_for_people(model: type[BaseModel], name: str) -> None:
    text = fields_of(model)[name].description
    assert text is not None
    assert re.fullmatch(r"\S.*[.…]", text)


@every_field
def test_a_field_s_name_is_in_camel_case_and_its_attribute_in_snake_case(model: type[BaseModel], name: str) -> None:
    attribute = next(key for key, info in model.model_fields.items() if (info.alias or key) == name)
    assert name == to_camel(attribute)
    assert attribute == attribute.lower()


@every_field
def test_no_name_or_value_is_one_that_yaml_reads_as_something_else(model: type[BaseModel], name: str) -> None:
    words = [name]
    for shape in shapes(model, name):
        if isinstance(shape.bare, type) and issubclass(shape.bare, StrEnum) and shape.bare is not ConditionStatus:
            words += [value.value for value in shape.bare]
        if shape.origin is Literal:
            words += typing.get_args(shape.bare)
    for word in words:
        assert yaml.safe_load(word) == word


@every_field
def test_a_field_can_be_put_into_words(model: type[BaseModel], name: str) -> None:
    shape = field_shape(fields_of(model)[name])
    assert allowed(shape)
    assert re.fullmatch(r"[A-Za-z \[\]]+", type_name(shape))


@pytest.mark.parametrize("info", DEFAULTS.values(), ids=DEFAULTS)
def test_a_default_is_a_valid_value(info: FieldInfo) -> None:
    # The empty Words stand for a first annotation: without any, Annotated refuses.
    annotated: Any = typing.Annotated[info.annotation, Words(), *info.metadata]
    assert TypeAdapter(annotated).validate_python(info.default) == info.default


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_schema_has_no_default_for_a_whole_part(model: type[BaseModel]) -> None:
    properties = model.model_json_schema(by_alias=True)["properties"]
    for name, info in fields_of(model).items():
        if field_shape(info).models:
            assert properties[name].get("default") is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_unknown_fields_are_refused_in_a_spec_and_ignored_in_what_others_write(model: type[BaseModel]) -> None:
    ours = issubclass(model, Part) and model is not ObjectMeta
    assert model.model_config["extra"] == ("forbid" if ours else "ignore")


def test_the_version_of_the_models_is_the_group_s() -> None:
    for kind in KINDS:
        assert typing.get_args(fields_of(kind)["apiVersion"].annotation) == (f"{GROUP}/{VERSION}",)
        assert typing.get_args(fields_of(kind)["kind"].annotation) == (kind.__name__,)


def test_generators_can_read_the_constraints_back() -> None:
    properties = ImagePart.model_json_schema(by_alias=True)["properties"]
    assert properties["samples"]["enum"] == list(SAMPLES)
    assert (properties["width"]["minimum"], properties["width"]["maximum"]) == (1, 65_536)
    assert properties["blockSize"]["default"] == 64


def test_every_rule_is_about_a_field_that_is_there_and_has_a_sentence() -> None:
    for kind, rules in ((FractalJob, JOB_RULES), (FractalNamespace, NAMESPACE_RULES)):
        for rule in rules:
            assert locate(kind, rule.field.split(".")).shape is not None
            assert rule.message.startswith(f"{rule.field} must ")
            assert "\n" not in rule.message


def test_a_rule_s_cel_speaks_of_fields_that_are_there() -> None:
    for kind, start, rules in ((FractalJob, ["spec"], JOB_RULES), (FractalNamespace, [], NAMESPACE_RULES)):
        for rule in rules:
            for path in re.findall(r"self((?:[.][a-zA-Z]+)+)", rule.cel or ""):
                names = [name for name in path.split(".")[1:] if name not in {"matches", "size", "startsWith"}]
                assert locate(kind, [*start, *names]).shape is not None, path


def test_every_reason_is_one_word() -> None:
    for reasons in (conditions.JobReason, conditions.NamespaceReason):
        assert all(re.fullmatch(r"[A-Z][A-Za-z]{1,63}", reason.value) for reason in reasons)


def test_the_models_are_there_soon() -> None:
    code = "import time; t = time.process_time(); import fractal_api.jobs; print(time.process_time() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.0

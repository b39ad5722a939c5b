"""Manifests, the objects of YAML files and of the API server, to models and back."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fractal_api.errors import SpecError
from fractal_api.jobs import FractalJob
from fractal_api.namespaces import FractalNamespace
from fractal_api.quoting import shown
from fractal_api.sentences import problems, spec_error

_Model = TypeVar("_Model", bound=BaseModel)


def parse_job(manifest: Mapping[str, Any]) -> FractalJob:
    """The FractalJob that a manifest describes; SpecError on the first mistake, with the number of the others."""
    return parse(FractalJob, manifest)


def parse_namespace(manifest: Mapping[str, Any]) -> FractalNamespace:
    """The FractalNamespace that a manifest describes; SpecError as of `parse_job`."""
    return parse(FractalNamespace, manifest)


def parse(model: type[_Model], manifest: object) -> _Model:
    """The model that a manifest describes; SpecError on the first mistake, with the number of the others."""
    if not isinstance(manifest, Mapping):
        raise SpecError(
            "", f"the manifest must be an object with apiVersion, kind, metadata and spec, not {shown(manifest)}"
        )
    try:
        return model.model_validate(manifest)
    except ValidationError as error:
        raise spec_error(problems(model, error)) from error


def dump(model: BaseModel) -> dict[str, Any]:
    """The manifest of a model: what it was told, without defaults, as JSON values under the names of the manifest."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.contract import job, json_values, spec_manifests, specs, world

from fractal_api.errors import PermanentError, SpecError
from fractal_api.jobs import FractalJob, FractalJobSpec
from fractal_api.manifests import dump, parse_job, parse_namespace
from fractal_api.picture import FractalType, Palette, Sampling, check_store_limit


def spec_of(**parts: Any) -> FractalJobSpec:  # noqa: ANN401 - parts of a manifest
    return parse_job(job(parts)).spec


def test_a_job_that_says_nothing_gets_every_default() -> None:
    spec = spec_of()
    assert (spec.fractal.type, spec.fractal.zoom, spec.fractal.rotation) == (FractalType.MANDELBROT, "0.4", "0")
    assert (spec.fractal.center.re, spec.fractal.center.im) == ("-0.5", "0")
    assert (spec.fractal.julia, spec.fractal.stretch, spec.max_iterations) == (None, None, None)
    assert (spec.image.width, spec.image.height, spec.image.samples, spec.image.block_size) == (1024, 1024, 1, 64)
    assert (spec.image.sampling, spec.palette) == (Sampling.GRID, Palette.EMBER)
    assert (spec.color.inside, spec.color.offset, spec.color.scale) == ("#000000", 0.0, 1.0)
    assert (spec.execution.priority, spec.execution.backoff_limit, spec.execution.suspend) == (0, 3, False)
    assert spec.execution.active_deadline_seconds is spec.execution.ttl_seconds_after_finished is None


def test_a_julia_set_is_centred_on_zero() -> None:
    center = spec_of(fractal={"type": "Julia", "julia": {"re": "-0.8", "im": "0.156"}}).fractal.center
    assert (center.re, center.im) == ("0", "0")


def test_a_legacy_picture_has_128_iterations_and_no_palette() -> None:
    spec = spec_of(image={"sampling": "Legacy"}, color={"legacyMode": 2})
    assert (spec.legacy, spec.max_iterations, spec.palette) == (True, 128, None)


def test_auto_leaves_the_iterations_to_the_coarse_pass() -> None:
    assert spec_of(fractal={"maxIterations": "auto"}).max_iterations is None
    assert spec_of(fractal={"maxIterations": 5000}).max_iterations == 5000


def test_own_colours_take_the_place_of_the_palette() -> None:
    assert spec_of(color={"colors": ["#000000", "#FFffFF"]}).palette is None
    assert spec_of(color={"palette": "ocean"}).palette is Palette.OCEAN


@pytest.mark.parametrize(("samples", "side"), [(1, 1), (4, 2), (256, 16)])
def test_samples_are_a_square(samples: int, side: int) -> None:
    assert spec_of(image={"samples": samples}).image.side == side


@given(manifest=spec_manifests())
def test_a_job_is_dumped_as_it_was_said(manifest: dict[str, Any]) -> None:
    whole = job(manifest)
    assert dump(parse_job(whole)) == whole


@given(spec=specs)
def test_a_dumped_spec_is_the_same_spec(spec: FractalJobSpec) -> None:
    assert FractalJobSpec.model_validate(dump(spec)) == spec


@pytest.mark.parametrize("part", ["image", "color", "execution"])
def test_a_part_with_nothing_behind_it_is_absent(part: str) -> None:
    assert parse_job(job({part: None})) == parse_job(job())


@pytest.mark.parametrize("field", ["center", "julia", "stretch"])
def test_a_part_of_a_part_with_nothing_behind_it_is_absent(field: str) -> None:
    assert parse_job(job({"fractal": {field: None}})) == parse_job(job())


def test_any_mapping_is_a_manifest() -> None:
    manifest = job({"image": MappingProxyType({"width": 5})})
    assert parse_job(MappingProxyType(manifest)).spec.image.width == 5


def test_what_kubernetes_adds_is_left_alone() -> None:
    metadata = {
        "name": "seahorse",
        "uid": "6e4b1f2a",
        "generation": 1,
        "resourceVersion": "7",
        "creationTimestamp": "2030-01-31T12:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "labels": {"retry-of": "seahorse-1"},
    }
    parsed = parse_job(job(metadata=metadata)).metadata
    assert (parsed.uid, parsed.generation, parsed.labels) == ("6e4b1f2a", 1, {"retry-of": "seahorse-1"})
    assert parsed.creation_timestamp is not None
    assert parse_job(job(metadata={"generateName": "seahorse-", "creationTimestamp": None})).metadata.name is None


def test_a_status_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    status = {
        "phase": "Running",
        "progress": {"percent": 40, "tilesDone": 2, "tilesTotal": 5},
        "conditions": [{"type": "Running", "status": "True", "lastTransitionTime": "2030-01-31T12:00:00Z"}],
        "startTime": "2030-01-31T12:00:00Z",
    }
    newer = status | {"mood": "good", "progress": {"percent": 40, "tilesDone": 2, "tilesTotal": 5, "speed": 9}}
    parsed = parse_job(job(status=newer)).status
    assert parsed is not None
    assert parsed.progress is not None
    assert (parsed.progress.percent, parsed.progress.eta_seconds) == (40, None)
    assert dump(parsed) == status


def test_a_part_can_t_be_changed_once_it_is_made() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(spec_of().image, "width", 5)  # noqa: B010 - mypy knows that the plain form can't work


@pytest.mark.parametrize("parse", [parse_job, parse_namespace])
@given(manifest=json_values)
def test_whatever_json_says_only_a_spec_error_comes_of_it(parse: Any, manifest: Any) -> None:  # noqa: ANN401 - anything
    with pytest.raises(SpecError):
        parse(manifest)


SPOTS: dict[str, list[str]] = {
    "": ["apiVersion", "kind", "metadata", "spec", "status"],
    "metadata": ["name", "labels", "creationTimestamp"],
    "spec": ["fractal", "image", "color", "execution", "typo"],
    "spec.fractal": ["type", "julia", "center", "zoom", "maxIterations", "rotation", "stretch"],
    "spec.fractal.center": ["re", "im", "x"],
    "spec.image": ["width", "samples", "sampling", "blockSize"],
    "spec.color": ["legacyMode", "palette", "colors", "inside", "offset"],
    "spec.execution": ["priority", "suspend", "worldSelector", "ttlSecondsAfterFinished"],
    "status": ["conditions", "progress", "startTime", "attempts"],
}
PATHS = [[*parent.split("."), name] if parent else [name] for parent, names in SPOTS.items() for name in names]


@given(path=st.sampled_from(PATHS), value=json_values)
def test_a_damaged_job_is_a_job_or_a_spec_error_of_one_sentence(path: list[str], value: Any) -> None:  # noqa: ANN401
    manifest = job(
        {"fractal": {"center": {"re": "0", "im": "0"}}, "image": {}, "color": {}, "execution": {}}, status={}
    )
    part = manifest
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    try:
        parsed = parse_job(manifest)
    except SpecError as error:
        complaint = error
    else:
        assert parse_job(dump(parsed)) == parsed
        return
    assert str(complaint).isprintable()
    assert str(complaint).startswith(complaint.field)
    assert len(str(complaint)) < 700


def test_a_store_s_limit_is_checked_apart_from_the_spec() -> None:
    check_store_limit(spec_of(image={"width": 65_536, "height": 1024}).image)
    largest = spec_of(image={"width": 65_536, "height": 65_536}).image
    check_store_limit(largest, max_pixels=2**32)
    with pytest.raises(SpecError) as caught:
        check_store_limit(largest)
    assert str(caught.value) == (
        "spec.image must have at most 67,108,864 pixels (width × height) in this store, not 65536 × 65536 = "
        "4,294,967,296: make it smaller, or use a file store"
    )


def test_a_world_that_says_nothing_gets_every_default() -> None:
    spec = parse_namespace(world()).spec
    assert (spec.nodes, spec.slots_per_node, spec.drain) == (4, 2, False)
    assert (spec.drain_timeout_seconds, spec.start_deadline_seconds) == (300, 120)
    assert (spec.image, spec.template, spec.allowed_namespaces) == (None, None, None)


def test_a_world_is_dumped_as_it_was_said() -> None:
    manifest = world(
        {
            "nodes": 0,
            "slotsPerNode": 8,
            "image": "registry.example/kernel:1",
            "template": {
                "labels": {"team": "art"},
                "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "1.5Gi"}},
                "tolerations": [{"key": "gpu", "operator": "Exists", "future": {"field": 1}}],
                "affinity": {"nodeAffinity": {"anything": ["goes"]}},
                "priorityClassName": "low",
                "imagePullSecrets": [{"name": "registry"}],
            },
            "drain": True,
            "allowedNamespaces": {"matchLabels": {"team": "art"}},
        }
    )
    assert dump(parse_namespace(manifest)) == manifest


def test_a_spec_error_is_not_worth_a_retry_and_names_its_field() -> None:
    with pytest.raises(PermanentError) as caught:
        parse_job(job({"image": {"samples": 3}}))
    assert isinstance(caught.value, SpecError)
    assert caught.value.field == "spec.image.samples"


def test_the_kind_decides_what_a_manifest_is() -> None:
    with pytest.raises(SpecError, match=r'^kind must be FractalNamespace, not "FractalJob"'):
        parse_namespace(job())
    assert isinstance(parse_job(job()), FractalJob)

"""Manifests and specs for tests of the contract: a smallest valid job, and strategies that draw any valid spec."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from fractal_api.jobs import FractalJobSpec
from fractal_api.picture import SAMPLES, Palette

API_VERSION = "clusteredfractals.dev/v1alpha1"


def job(spec: Mapping[str, Any] | None = None, **changes: object) -> dict[str, Any]:
    """The manifest of a FractalJob: a default picture, with other parts of the spec or other top-level fields."""
    manifest: dict[str, Any] = {"apiVersion": API_VERSION, "kind": "FractalJob", "metadata": {"name": "seahorse"}}
    return manifest | {"spec": {"fractal": {}} | dict(spec or {})} | changes


def world(spec: Mapping[str, Any] | None = None, name: str = "ds-clmpi1") -> dict[str, Any]:
    """The manifest of a FractalNamespace."""
    return {
        "apiVersion": API_VERSION,
        "kind": "FractalNamespace",
        "metadata": {"name": name},
        "spec": dict(spec or {}),
    }


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from([10**400, -(10**4000), "1e99999", "nan", "\ud800", "1_0", " 1", "auto", "Legacy"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
"""Anything that JSON can say, and some that it can't."""

mantissas = st.from_regex(r"\A([0-9]{1,20}([.][0-9]{0,20})?|[.][0-9]{1,20})\Z")
signs = st.sampled_from(["", "-", "+"])
coordinates = st.one_of(
    st.floats(-1e300, 1e300).map(repr),
    st.builds("{}{}e{}".format, signs, mantissas, st.integers(-99_999, 250)),
    st.builds("{}{}".format, signs, mantissas),
)
zooms = st.builds("{}.{}e{}".format, st.integers(1, 9), st.integers(0, 10**20), st.integers(-290, 15_000))
legacy_zooms = st.floats(1e-300, 1e300).map(repr)
colors = st.from_regex(r"\A#[0-9a-fA-F]{6}\Z")
numbers = st.dictionaries(st.just("re"), coordinates, min_size=1).flatmap(
    lambda part: coordinates.map(lambda im: part | {"im": im})
)


def _parts(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


images = _parts(
    width=st.integers(1, 65_536),
    height=st.integers(1, 65_536),
    samples=st.sampled_from(SAMPLES),
    blockSize=st.integers(1, 4096),
)
executions = _parts(
    priority=st.integers(-100, 100),
    backoffLimit=st.integers(0, 100),
    activeDeadlineSeconds=st.integers(1, 2**31 - 1),
    ttlSecondsAfterFinished=st.integers(0, 2**31 - 1),
    suspend=st.booleans(),
)


@st.composite
def kinds(draw: st.DrawFn) -> dict[str, Any]:
    """A type, with Julia's constant exactly when it is Julia."""
    if draw(st.booleans()):
        return {"type": "Julia", "julia": draw(numbers)}
    return draw(st.sampled_from([{}, {"type": "Mandelbrot"}]))


@st.composite
def grid_manifests(draw: st.DrawFn) -> dict[str, Any]:
    """The spec of a Grid picture, as a manifest says it."""
    angles = st.floats(-1e6, 1e6).map(repr)
    stretches = st.fixed_dictionaries({"amount": st.floats(1e-50, 1e50).map(repr)}, optional={"angle": angles})
    fractal = draw(
        _parts(
            center=numbers,
            zoom=zooms,
            maxIterations=st.one_of(st.just("auto"), st.integers(1, 2**31 - 1)),
            rotation=angles,
            stretch=stretches,
        )
    )
    color = draw(_parts(inside=colors, offset=st.floats(-1e6, 1e6), scale=st.floats(1e-6, 1e6)))
    entries = st.lists(colors, min_size=2, max_size=5)
    color |= draw(st.one_of(_parts(palette=st.sampled_from(list(Palette)).map(str)), _parts(colors=entries)))
    sampling = draw(_parts(sampling=st.just("Grid")))
    return {"fractal": fractal | draw(kinds()), "image": draw(images) | sampling, "color": color}


@st.composite
def legacy_manifests(draw: st.DrawFn) -> dict[str, Any]:
    """The spec of a Legacy picture, as a manifest says it."""
    fractal: dict[str, Any] = draw(_parts(center=numbers, zoom=legacy_zooms, maxIterations=st.integers(1, 2**31 - 1)))
    return {
        "fractal": fractal | draw(kinds()),
        "image": draw(images) | {"sampling": "Legacy"},
        "color": {"legacyMode": draw(st.integers(0, 8))},
    }


@st.composite
def spec_manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Any valid spec, as a manifest says it."""
    manifest: dict[str, Any] = draw(st.one_of(grid_manifests(), legacy_manifests()))
    return manifest | draw(_parts(execution=executions))


specs = spec_manifests().map(FractalJobSpec.model_validate)
legacy_specs = legacy_manifests().map(FractalJobSpec.model_validate)

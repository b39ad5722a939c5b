import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from support.contract import job, specs

from fractal_api import PICTURE_VERSION
from fractal_api.canonical import canonical_spec, picture_key
from fractal_api.jobs import FractalJobSpec
from fractal_api.manifests import dump, parse_job

JULIA = {"type": "Julia", "julia": {"re": "-0.8", "im": "0.156"}}
LEGACY = {"image": {"sampling": "Legacy"}, "color": {"legacyMode": 2}}


def spec_of(spec: dict[str, Any]) -> FractalJobSpec:
    return parse_job(job(spec)).spec


def test_nothing_is_left_out_of_the_canonical_spec() -> None:
    assert json.loads(canonical_spec(spec_of({}))) == {
        "fractal": {
            "type": "Mandelbrot",
            "julia": None,
            "center": {"re": "-5e-1", "im": "0"},
            "zoom": "4e-1",
            "maxIterations": "auto",
            "rotation": "0",
            "stretch": None,
        },
        "image": {"width": 1024, "height": 1024, "samples": 1, "sampling": "Grid", "blockSize": 64},
        "color": {
            "legacyMode": None,
            "palette": "ember",
            "colors": None,
            "inside": "#000000",
            "offset": 0.0,
            "scale": 1.0,
        },
    }


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a default said and not said": ({}, {"fractal": {"zoom": "0.4", "maxIterations": "auto"}, "color": {"scale": 1}}),
    "the default centre": ({}, {"fractal": {"center": {"re": "-0.50", "im": "-0"}}}),
    "Julia's default centre": ({"fractal": JULIA}, {"fractal": JULIA | {"center": {"re": "0", "im": "0"}}}),
    "the default palette": ({}, {"color": {"palette": "ember"}}),
    "spellings of a decimal": ({"fractal": {"zoom": "1.50"}}, {"fractal": {"zoom": "15e-1"}}),
    "hexadecimal digits": ({"color": {"inside": "#FFAA00"}}, {"color": {"inside": "#ffaa00"}}),
    "signs of zero": ({"color": {"offset": 0.0}}, {"color": {"offset": -0.0}}),
    "an integer and a double": ({"color": {"offset": 2}}, {"color": {"offset": 2.0}}),
    "how it is run": ({}, {"execution": {"priority": 5, "suspend": True}}),
    "Legacy's default iterations": (LEGACY, LEGACY | {"fractal": {"maxIterations": 128}}),
    "the angle's default": (
        {"fractal": {"stretch": {"amount": "2"}}},
        {"fractal": {"stretch": {"angle": "0.0", "amount": "2.0"}}},
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_equal_pictures_have_equal_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical_spec(spec_of(one)) == canonical_spec(spec_of(other))
    assert picture_key(spec_of(one)) == picture_key(spec_of(other))


OTHERS: list[dict[str, Any]] = [
    {},
    {"fractal": JULIA},
    {"fractal": JULIA | {"julia": {"re": "-0.8", "im": "0.157"}}},
    {"fractal": {"zoom": "0.5"}},
    {"fractal": {"zoom": "5"}},
    {"fractal": {"center": {"re": "0", "im": "-0.5"}}},
    {"fractal": {"maxIterations": 128}},
    {"fractal": {"rotation": "30"}},
    {"fractal": {"stretch": {"amount": "2"}}},
    {"fractal": {"stretch": {"amount": "2", "angle": "1"}}},
    {"image": {"width": 512}},
    {"image": {"height": 512}},
    {"image": {"samples": 4}},
    {"image": {"blockSize": 32}},
    {"color": {"palette": "ocean"}},
    {"color": {"colors": ["#000000", "#ffffff"]}},
    {"color": {"colors": ["#ffffff", "#000000"]}},
    {"color": {"inside": "#000001"}},
    {"color": {"offset": 0.1}},
    {"color": {"scale": 2}},
    LEGACY,
    LEGACY | {"color": {"legacyMode": 3}},
]


def test_pictures_that_differ_in_anything_have_keys_of_their_own() -> None:
    assert len({picture_key(spec_of(spec)) for spec in OTHERS}) == len(OTHERS)


@given(spec=specs)
def test_a_canonical_spec_survives_a_manifest(spec: FractalJobSpec) -> None:
    canonical = canonical_spec(spec)
    assert canonical_spec(FractalJobSpec.model_validate(dump(spec))) == canonical
    assert json.dumps(json.loads(canonical), sort_keys=True, separators=(",", ":")) == canonical


def test_a_key_is_of_the_picture_version_too() -> None:
    spec = spec_of({})
    plain = f"{PICTURE_VERSION}\n{canonical_spec(spec)}".encode()
    assert picture_key(spec) == hashlib.sha256(plain).hexdigest()


def test_keys_don_t_change_from_one_release_to_the_next() -> None:
    assert picture_key(spec_of({})) == "be046f4aeec425dbba66264509d30373b68ef39b55e4a6f64aeee2d2a8a8bfb6"

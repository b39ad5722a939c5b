import pickle
from typing import Any

import pytest
from support.contract import job, world

from fractal_api.errors import SpecError
from fractal_api.manifests import parse_job, parse_namespace

SQUARES = "1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 196, 225 or 256"
COORDINATE = 'a decimal number from -1e308 to 1e308, such as "-0.75"'
ZOOM = 'a decimal number from 1e-300 to 1e16000, such as "1e50"'
DEGREES = 'a decimal number from -1e6 to 1e6, such as "30"'
HEX = 'a colour as "#rrggbb", such as "#ff8800"'
COLORS = f"a list of 2 to 64, each {HEX}"
FRACTAL = "an object that may have type, julia, center, zoom, maxIterations, rotation and stretch"
JULIA = {"re": "0", "im": "0"}
LEGACY = {"sampling": "Legacy"}

CASES: list[tuple[dict[str, Any], str]] = [
    ({"image": {"width": 0}}, "spec.image.width must be a whole number from 1 to 65536, not the number 0"),
    ({"image": {"width": -1}}, "spec.image.width must be a whole number from 1 to 65536, not the number -1"),
    ({"image": {"width": 65_537}}, "spec.image.width must be a whole number from 1 to 65536, not the number 65537"),
    ({"image": {"width": 12.9}}, "spec.image.width must be a whole number from 1 to 65536, not the number 12.9"),
    ({"image": {"width": 12.0}}, "spec.image.width must be a whole number from 1 to 65536, not the number 12.0"),
    ({"image": {"width": "600"}}, 'spec.image.width must be a whole number from 1 to 65536, not "600"'),
    ({"image": {"width": True}}, "spec.image.width must be a whole number from 1 to 65536, not true"),
    ({"image": {"width": None}}, "spec.image.width must be a whole number from 1 to 65536, not null"),
    ({"image": {"width": [1]}}, "spec.image.width must be a whole number from 1 to 65536, not a list of 1 item"),
    ({"image": {"height": {}}}, "spec.image.height must be a whole number from 1 to 65536, not an object"),
    (
        {"image": {"height": 10**5000}},
        "spec.image.height must be a whole number from 1 to 65536, not a number of more than 40 digits",
    ),
    ({"image": {"samples": 3}}, f"spec.image.samples must be {SQUARES}, not the number 3"),
    ({"image": {"samples": 4.0}}, f"spec.image.samples must be {SQUARES}, not the number 4.0"),
    ({"image": {"samples": True}}, f"spec.image.samples must be {SQUARES}, not true"),
    ({"image": {"samples": 289}}, f"spec.image.samples must be {SQUARES}, not the number 289"),
    ({"image": {"sampling": "grid"}}, 'spec.image.sampling must be Grid or Legacy, not "grid"'),
    ({"image": {"sampling": 1}}, "spec.image.sampling must be Grid or Legacy, not the number 1"),
    ({"image": {"blockSize": 4097}}, "spec.image.blockSize must be a whole number from 1 to 4096, not the number 4097"),
    (
        {"image": []},
        (
            "spec.image must be an object that may have width, height, samples, sampling and blockSize, "
            "not a list of 0 items"
        ),
    ),
    ({"image": {3: 4}}, "spec.image must have texts as names, not the number 3"),
    (
        {"image": {"widht": 5}},
        (
            "spec.image.widht is unknown (did you mean width?): spec.image may have width, height, samples, sampling "
            "and blockSize"
        ),
    ),
    (
        {"image": {"block_size": 5}},
        (
            "spec.image.block_size is unknown (did you mean blockSize?): spec.image may have width, height, samples, "
            "sampling and blockSize"
        ),
    ),
    (
        {"image": {"a\nb" * 40: 5}},
        (
            'spec.image."a\\nba\\nba\\nba\\nba\\nba\\nba\\n…ba\\nba\\nba\\nb" (120 characters) is unknown: spec.image '
            "may have width, height, samples, sampling and blockSize"
        ),
    ),
    (
        {"colour": {}},
        "spec.colour is unknown (did you mean color?): spec may have fractal, image, color and execution",
    ),
    ({"fractal": None}, f"spec.fractal is missing: it must be {FRACTAL}"),
    ({"fractal": "Mandelbrot"}, f'spec.fractal must be {FRACTAL}, not "Mandelbrot"'),
    ({"fractal": {"type": "Newton"}}, 'spec.fractal.type must be Mandelbrot or Julia, not "Newton"'),
    ({"fractal": {"zoom": 1e50}}, f"spec.fractal.zoom must be {ZOOM}, not the number 1e+50 without quotes: quote it"),
    ({"fractal": {"zoom": 3}}, f"spec.fractal.zoom must be {ZOOM}, not the number 3 without quotes: quote it"),
    ({"fractal": {"zoom": True}}, f"spec.fractal.zoom must be {ZOOM}, not true"),
    ({"fractal": {"zoom": None}}, f"spec.fractal.zoom must be {ZOOM}, not null"),
    ({"fractal": {"zoom": "0"}}, f'spec.fractal.zoom must be {ZOOM}, not "0"'),
    ({"fractal": {"zoom": "-1"}}, f'spec.fractal.zoom must be {ZOOM}, not "-1"'),
    ({"fractal": {"zoom": "1e-301"}}, f'spec.fractal.zoom must be {ZOOM}, not "1e-301"'),
    ({"fractal": {"zoom": "1.1e16000"}}, f'spec.fractal.zoom must be {ZOOM}, not "1.1e16000"'),
    ({"fractal": {"zoom": "nan"}}, f'spec.fractal.zoom must be {ZOOM}, not "nan"'),
    ({"fractal": {"zoom": "inf"}}, f'spec.fractal.zoom must be {ZOOM}, not "inf"'),
    ({"fractal": {"zoom": "1_000"}}, f'spec.fractal.zoom must be {ZOOM}, not "1_000"'),
    ({"fractal": {"zoom": " 1"}}, f'spec.fractal.zoom must be {ZOOM}, not " 1"'),
    ({"fractal": {"zoom": "1\n"}}, f'spec.fractal.zoom must be {ZOOM}, not "1\\n"'),
    ({"fractal": {"zoom": "\ud800"}}, f'spec.fractal.zoom must be {ZOOM}, not "\\ud800"'),
    (
        {"fractal": {"zoom": "1e999999999"}},
        f'spec.fractal.zoom must be {ZOOM}, with at most five exponent digits, not "1e999999999"',
    ),
    (
        {"fractal": {"zoom": "12345" * 4000}},
        (
            f'spec.fractal.zoom must be {ZOOM}, of at most 16384 characters, not "{"12345" * 4}…{"12345" * 2}" '
            "(20000 characters)"
        ),
    ),
    (
        {"fractal": {"center": {"re": 0, "im": "0"}}},
        f"spec.fractal.center.re must be {COORDINATE}, not the number 0 without quotes: quote it",
    ),
    ({"fractal": {"center": {"re": "0"}}}, f"spec.fractal.center.im is missing: it must be {COORDINATE}"),
    ({"fractal": {"center": {"re": "1e309", "im": "0"}}}, f'spec.fractal.center.re must be {COORDINATE}, not "1e309"'),
    (
        {"fractal": {"center": {"x": "0", "re": "0", "im": "0"}}},
        "spec.fractal.center.x is unknown: spec.fractal.center may have re and im",
    ),
    ({"fractal": {"rotation": "1000001"}}, f'spec.fractal.rotation must be {DEGREES}, not "1000001"'),
    (
        {"fractal": {"stretch": {"amount": "0"}}},
        'spec.fractal.stretch.amount must be a decimal number from 1e-100 to 1e100, such as "1.5", not "0"',
    ),
    (
        {"fractal": {"maxIterations": 0}},
        "spec.fractal.maxIterations must be a whole number from 1 to 2147483647 or auto, not the number 0",
    ),
    (
        {"fractal": {"maxIterations": "Auto"}},
        'spec.fractal.maxIterations must be a whole number from 1 to 2147483647 or auto, not "Auto"',
    ),
    (
        {"fractal": {"type": "Julia"}},
        "spec.fractal.julia must be given with type Julia, and only then, but got type Julia without julia",
    ),
    (
        {"fractal": {"julia": JULIA}},
        "spec.fractal.julia must be given with type Julia, and only then, but got type Mandelbrot with julia",
    ),
    ({"color": {"palette": "twilight"}}, 'spec.color.palette must be ember, ocean or spectrum, not "twilight"'),
    (
        {"color": {"palette": "ember", "colors": ["#000000", "#ffffff"]}},
        "spec.color must have at most one of legacyMode, palette and colors, but got palette and colors",
    ),
    ({"color": {"colors": ["#000000"]}}, f"spec.color.colors must be {COLORS}, not a list of 1 item"),
    ({"color": {"colors": ["#000000"] * 65}}, f"spec.color.colors must be {COLORS}, not a list of 65 items"),
    ({"color": {"colors": "#000000"}}, f'spec.color.colors must be {COLORS}, not "#000000"'),
    ({"color": {"colors": ["#000000", "red"]}}, f'spec.color.colors[1] must be {HEX}, not "red"'),
    ({"color": {"inside": "#12345"}}, f'spec.color.inside must be {HEX}, not "#12345"'),
    ({"color": {"inside": None}}, f"spec.color.inside must be {HEX}, not null: quote it, since # begins a comment"),
    (
        {"color": {"offset": float("nan")}},
        "spec.color.offset must be a number from -1000000 to 1000000, not the number nan",
    ),
    ({"color": {"offset": "0"}}, 'spec.color.offset must be a number from -1000000 to 1000000, not "0"'),
    ({"color": {"scale": 0}}, "spec.color.scale must be a number from 1e-06 to 1000000, not the number 0"),
    (
        {"color": {"legacyMode": 9}, "image": LEGACY},
        "spec.color.legacyMode must be a whole number from 0 to 8, not the number 9",
    ),
    (
        {"color": {"legacyMode": 2}},
        (
            "spec.color.legacyMode must be given with spec.image.sampling Legacy, and only then, but got sampling Grid "
            "with legacyMode"
        ),
    ),
    (
        {"image": LEGACY},
        (
            "spec.color.legacyMode must be given with spec.image.sampling Legacy, and only then, but got sampling "
            "Legacy without legacyMode"
        ),
    ),
    (
        {"image": LEGACY, "color": {"legacyMode": 2}, "fractal": {"maxIterations": "auto"}},
        "spec.fractal.maxIterations must be a whole number with spec.image.sampling Legacy, such as 128, but got auto",
    ),
    (
        {"image": LEGACY, "color": {"legacyMode": 2}, "fractal": {"rotation": "30"}},
        (
            'spec.fractal.rotation must be "0", and spec.fractal.stretch absent, with spec.image.sampling Legacy, '
            'but got rotation "30"'
        ),
    ),
    (
        {"image": LEGACY, "color": {"legacyMode": 2}, "fractal": {"stretch": {"amount": "2"}}},
        (
            'spec.fractal.rotation must be "0", and spec.fractal.stretch absent, with spec.image.sampling Legacy, '
            "but got a stretch"
        ),
    ),
    (
        {"image": LEGACY, "color": {"legacyMode": 2, "inside": "#ffffff"}},
        'spec.color must have nothing but legacyMode with spec.image.sampling Legacy, but got inside "#ffffff"',
    ),
    (
        {"image": LEGACY, "color": {"legacyMode": 2, "scale": 2}},
        "spec.color must have nothing but legacyMode with spec.image.sampling Legacy, but got scale 2.0",
    ),
    (
        {"image": LEGACY, "color": {"legacyMode": 2}, "fractal": {"zoom": "1e309"}},
        'spec.fractal.zoom must be at most "1e308" with spec.image.sampling Legacy, but got zoom "1e309"',
    ),
    (
        {"execution": {"priority": 101}},
        "spec.execution.priority must be a whole number from -100 to 100, not the number 101",
    ),
    ({"execution": {"suspend": "no"}}, 'spec.execution.suspend must be true or false, not "no"'),
    ({"execution": {"suspend": 1}}, "spec.execution.suspend must be true or false, not the number 1"),
    (
        {"execution": {"activeDeadlineSeconds": 0}},
        "spec.execution.activeDeadlineSeconds must be a whole number from 1 to 2147483647, not the number 0",
    ),
    (
        {"execution": {"worldSelector": {"matchLabels": {"team": 5}}}},
        "spec.execution.worldSelector.matchLabels.team must be a text, not the number 5",
    ),
    (
        {"execution": {"worldSelector": {"matchExpressions": [{"key": "team", "operator": "in"}]}}},
        'spec.execution.worldSelector.matchExpressions[0].operator must be In, NotIn, Exists or DoesNotExist, not "in"',
    ),
]


@pytest.mark.parametrize(("spec", "sentence"), CASES, ids=[sentence[:60] for _, sentence in CASES])
def test_bad_input_gets_one_sentence_with_the_field_what_it_may_be_and_what_was_given(
    spec: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpecError) as caught:
        parse_job(job(spec))
    assert str(caught.value) == sentence
    assert sentence.startswith(f"{caught.value.field} ")


OBJECTS: list[tuple[Any, str]] = [
    ({}, "apiVersion is missing: it must be clusteredfractals.dev/v1alpha1 (and 3 more)"),
    ([], "the manifest must be an object with apiVersion, kind, metadata and spec, not a list of 0 items"),
    (None, "the manifest must be an object with apiVersion, kind, metadata and spec, not null"),
    (job(apiVersion="v1"), 'apiVersion must be clusteredfractals.dev/v1alpha1, not "v1"'),
    (job(kind="Job"), 'kind must be FractalJob, not "Job"'),
    (job(metadata={}), "metadata.name must be a DNS name such as seahorse, but got an object without a name"),
    (
        job(metadata={"name": "Sea_Horse"}),
        "metadata.name must be a DNS name of at most 253 lower-case letters, digits, '-' and '.', not \"Sea_Horse\"",
    ),
    (
        job(spec=None) | {"spec": None},
        "spec is missing: it must be an object that may have fractal, image, color and execution",
    ),
    (
        job(data=1),
        "data is unknown (did you mean metadata?): the manifest may have apiVersion, kind, metadata, spec and status",
    ),
]


@pytest.mark.parametrize(("manifest", "sentence"), OBJECTS, ids=[sentence[:60] for _, sentence in OBJECTS])
def test_an_object_that_is_no_job_gets_one_sentence(manifest: Any, sentence: str) -> None:  # noqa: ANN401 - anything
    with pytest.raises(SpecError) as caught:
        parse_job(manifest)
    assert str(caught.value) == sentence


NAME = "metadata.name must be a DNS label of at most 63 lower-case letters, digits and '-', and not begin with kube-"
WORLDS: list[tuple[dict[str, Any], str]] = [
    (world(name="kube-system"), f'{NAME}, but got "kube-system"'),
    (world(name="a.b"), f'{NAME}, but got "a.b"'),
    (world(name="a" * 64), f'{NAME}, but got "{"a" * 20}…{"a" * 10}" (64 characters)'),
    (world() | {"metadata": {"generateName": "a"}}, f"{NAME}, but got an object without a name"),
    (world({"nodes": -1}), "spec.nodes must be a whole number from 0 to 1000, not the number -1"),
    (world({"slotsPerNode": 0}), "spec.slotsPerNode must be a whole number from 1 to 256, not the number 0"),
    (world({"image": "a b"}), 'spec.image must be the name of a container image, not "a b"'),
    (
        world({"template": {"priorityClassName": "system-node-critical"}}),
        (
            "spec.template.priorityClassName must be the name of a PriorityClass that doesn't begin with system-, "
            'but got "system-node-critical"'
        ),
    ),
    (
        world({"template": {"resources": {"limits": {"cpu": 2}}}}),
        'spec.template.resources.limits.cpu must be a quantity in quotes such as "500m" or "2Gi", not the number 2',
    ),
    (world({"drain": "true"}), 'spec.drain must be true or false, not "true"'),
    (
        world({"slots": 2}),
        (
            "spec.slots is unknown: spec may have nodes, slotsPerNode, image, template, drain, "
            "drainTimeoutSeconds, startDeadlineSeconds and allowedNamespaces"
        ),
    ),
]


@pytest.mark.parametrize(("manifest", "sentence"), WORLDS, ids=[sentence[:60] for _, sentence in WORLDS])
def test_a_world_that_can_t_be_gets_one_sentence(manifest: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_namespace(manifest)
    assert str(caught.value) == sentence


def test_an_unknown_field_comes_before_the_field_that_is_missing_for_it() -> None:
    manifest = job()
    manifest["spec"] = {"fractl": {}, "zebra": 1}
    with pytest.raises(SpecError, match=r"^spec.fractl is unknown \(did you mean fractal\?\): .* \(and 2 more\)$"):
        parse_job(manifest)


def test_mistakes_are_told_in_the_order_of_the_fields_whatever_their_order_in_the_file() -> None:
    for names in (["width", "height"], ["height", "width"]):
        with pytest.raises(SpecError, match=r"^spec.image.width .* \(and 1 more\)$"):
            parse_job(job({"image": dict.fromkeys(names, 0)}))


def test_a_field_is_told_once_however_many_things_it_might_have_been() -> None:
    with pytest.raises(SpecError) as caught:
        parse_job(job({"fractal": {"maxIterations": []}}))
    assert "more" not in str(caught.value)


def test_several_broken_rules_are_counted() -> None:
    with pytest.raises(SpecError, match=r"^spec.fractal.julia .* \(and 2 more\)$"):
        parse_job(job({"fractal": {"julia": JULIA}, "color": {"legacyMode": 1, "palette": "ember"}}))


def test_a_spec_error_travels_between_processes() -> None:
    error = SpecError("spec.image.samples", "spec.image.samples must be 4, not 3")
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (copied.field, str(copied)) == (error.field, str(error))

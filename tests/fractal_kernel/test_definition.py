"""Definitions: a spec's decimals become doubles once, and what doubles can't resolve is refused by name."""

import json
import math
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import legacy_pictures
from support.grid_pictures import pictures

from fractal_api.errors import PermanentError
from fractal_api.jobs import FractalJobSpec
from fractal_kernel.definition import Definition, Frame, GridDefinition, LegacyDefinition, define, from_json, to_json
from fractal_kernel.depth import DepthNotSupported
from fractal_kernel.orientation import orientation


def defined(**parts: object) -> Definition:
    return define(FractalJobSpec.model_validate({"fractal": {}} | parts))


def grid(**parts: object) -> GridDefinition:
    found = defined(**parts)
    assert isinstance(found, GridDefinition)
    return found


def test_an_empty_spec_is_the_whole_set_in_the_default_palette() -> None:
    assert grid() == GridDefinition(
        frame=Frame(width=1024, height=1024, side=1, block_size=64),
        julia=False,
        julia_re=0.0,
        julia_im=0.0,
        center_re=-0.5,
        center_im=0.0,
        zoom=0.4,
        matrix=None,
        max_iterations=None,
        palette="ember",
        colors=(),
        inside="#000000",
        offset=0.0,
        scale=1.0,
    )


def test_everything_that_a_spec_says_is_in_its_definition() -> None:
    found = grid(
        fractal={
            "type": "Julia",
            "julia": {"re": "-0.8", "im": "0.156"},
            "center": {"re": "0.1", "im": "-0.2"},
            "zoom": "1e3",
            "maxIterations": 777,
            "rotation": "90",
        },
        image={"width": 320, "height": 200, "samples": 9, "blockSize": 32},
        color={"colors": ["#102030", "#ffffff"], "inside": "#00ff00", "offset": 0.25, "scale": 2.0},
    )
    assert found == GridDefinition(
        frame=Frame(width=320, height=200, side=3, block_size=32),
        julia=True,
        julia_re=-0.8,
        julia_im=0.156,
        center_re=0.1,
        center_im=-0.2,
        zoom=1000.0,
        matrix=(0.0, -1.0, 1.0, 0.0),
        max_iterations=777,
        palette="",
        colors=("#102030", "#ffffff"),
        inside="#00ff00",
        offset=0.25,
        scale=2.0,
    )


def test_a_legacy_spec_is_a_legacy_definition() -> None:
    found = defined(image={"sampling": "Legacy", "width": 30, "height": 20}, color={"legacyMode": 5})
    assert isinstance(found, LegacyDefinition)
    assert (found.color_mode, found.max_iterations, found.zoom) == (5, 128, 0.4)


def test_a_decimal_longer_than_a_double_is_rounded_once() -> None:
    # The digits lie just above the middle between 1 and its upper neighbour: rounding them twice would give 1.
    above_the_middle = "1.00000000000000011102230246251565404236316680908203125" + "0" * 500 + "1"
    assert grid(fractal={"center": {"re": above_the_middle, "im": "0"}}).center_re == 1.0 + 2.0**-52


@given(pictures())
def test_a_grid_definition_travels_as_json_to_the_bit(picture: GridDefinition) -> None:
    assert repr(from_json(json.loads(json.dumps(to_json(picture))))) == repr(picture)


def test_a_legacy_definition_travels_as_json() -> None:
    picture = legacy_pictures.definition(center_re=0.1)
    assert from_json(json.loads(json.dumps(to_json(picture)))) == picture


# --- rotation and stretch --------------------------------------------------------------------------------------------

ROOT_HALF = 0.7071067811865476
EXACT = {
    "a quarter": (("90", "0", "1"), (0.0, -1.0, 1.0, 0.0)),
    "a half": (("180", "0", "1"), (-1.0, 0.0, 0.0, -1.0)),
    "three quarters": (("-90", "0", "1"), (0.0, 1.0, -1.0, 0.0)),
    "many turns": (("36090", "0", "1"), (0.0, -1.0, 1.0, 0.0)),
    "45 degrees": (("45", "0", "1"), (ROOT_HALF, -ROOT_HALF, ROOT_HALF, ROOT_HALF)),
    "60 degrees": (("60", "0", "1"), (0.5, -0.8660254037844386, 0.8660254037844386, 0.5)),
    "a stretch along the real axis": (("0", "0", "2.5"), (2.5, 0.0, 0.0, 1.0)),
    "a stretch along the imaginary axis": (("0", "90", "2.5"), (1.0, 0.0, 0.0, 2.5)),
    "a stretch along the diagonal": (("0", "45", "3"), (2.0, 1.0, 1.0, 2.0)),
    "stretched, then turned": (("90", "0", "2"), (0.0, -1.0, 2.0, 0.0)),
}


@pytest.mark.parametrize(("given_words", "matrix"), EXACT.values(), ids=EXACT.keys())
def test_the_matrix_is_the_exact_one_rounded_once(
    given_words: tuple[str, str, str], matrix: tuple[float, float, float, float]
) -> None:
    rotation, angle, amount = (Decimal(word) for word in given_words)
    assert orientation(rotation, angle, amount) == matrix


@pytest.mark.parametrize("rotation", ["0", "-0", "0e5", "360", "-720", "1e6"])
def test_whole_turns_need_no_matrix(rotation: str) -> None:
    turned = Decimal(rotation) % 360 != 0
    assert (orientation(Decimal(rotation), Decimal(17), Decimal("1.000")) is None) == (not turned)


@settings(max_examples=100)
@given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(0.01, 100.0))
def test_the_matrix_is_near_that_of_doubles(rotation: float, angle: float, amount: float) -> None:
    found = orientation(Decimal(rotation), Decimal(angle), Decimal(amount)) or (1.0, 0.0, 0.0, 1.0)
    r, a = math.radians(math.fmod(rotation, 360)), math.radians(angle)
    along, mixed, across = (
        amount * math.cos(a) ** 2 + math.sin(a) ** 2,
        (amount - 1) * math.cos(a) * math.sin(a),
        amount * math.sin(a) ** 2 + math.cos(a) ** 2,
    )
    expected = (
        math.cos(r) * along - math.sin(r) * mixed,
        math.cos(r) * mixed - math.sin(r) * across,
        math.sin(r) * along + math.cos(r) * mixed,
        math.sin(r) * mixed + math.cos(r) * across,
    )
    assert found == pytest.approx(expected, abs=1e-11 * max(1.0, amount))


@pytest.mark.parametrize(
    "rotation",
    ["1e-99999", "-1e-80", "359." + "9" * 16_000, "-" + "8" * 5 + "." + "1" * 16_000],
    ids=lambda text: text[:9],
)
def test_a_rotation_of_many_digits_is_no_trouble(rotation: str) -> None:
    matrix = orientation(Decimal(rotation), Decimal(0), Decimal(1))
    assert matrix is not None
    degrees = math.radians(math.fmod(float(rotation), 360))
    assert matrix == pytest.approx(
        (math.cos(degrees), -math.sin(degrees), math.sin(degrees), math.cos(degrees)), abs=1e-9
    )


# --- depth -----------------------------------------------------------------------------------------------------------


def zoomed(zoom: str, center: str = "-1.75", **fractal: object) -> dict[str, Any]:
    return {"fractal": {"center": {"re": center, "im": "0.001"}, "zoom": zoom} | fractal}


DEEPEST = 2.0**52 / 2.0**13 / 1024
"""1024 rows at a centre between 1 and 2: samples 2^13 ulp apart."""


def test_the_deepest_view_that_doubles_resolve_is_defined() -> None:
    assert grid(**zoomed(repr(DEEPEST))).zoom == DEEPEST


@pytest.mark.parametrize(
    "parts",
    [
        zoomed(repr(DEEPEST * (1 + 1e-12))),
        zoomed("1e50"),
        zoomed("1e16000"),
        zoomed("1e310", center="0"),
        zoomed(repr(DEEPEST / 2), center="-3.5") | {"image": {"samples": 4}},
        zoomed(repr(DEEPEST / 8), stretch={"amount": "0.1"}),
    ],
    ids=["just beyond", "1e50", "the deepest zoom of all", "beyond doubles", "finer samples", "squeezed"],
)
def test_a_view_too_deep_for_doubles_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(DepthNotSupported, match=r"^spec\.fractal\.zoom must be at most .* not supported yet$"):
        defined(**parts)


def test_the_refusal_names_the_limit_and_what_was_given() -> None:
    with pytest.raises(DepthNotSupported, match=r"at most 5\.36870e\+8 .* 1,024 samples .* not 1e\+50"):
        defined(**zoomed("1e50"))
    assert issubclass(DepthNotSupported, PermanentError)


def test_a_legacy_picture_is_never_too_deep() -> None:
    parts = zoomed("1e300") | {"image": {"sampling": "Legacy"}, "color": {"legacyMode": 2}}
    assert isinstance(defined(**parts), LegacyDefinition)


def test_a_rank_that_renders_does_not_load_pydantic() -> None:
    program = "import sys, fractal_kernel.coarse, fractal_kernel.picture; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

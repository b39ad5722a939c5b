"""Legacy pictures: equal to the earlier system's and to the slow twin, whatever the cut and the instruction set."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.legacy_pictures import Known, definition, known, sha256, whole

from fractal_api.tiling import Rect
from fractal_kernel.definition import LegacyDefinition
from fractal_kernel.escape import legacy
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.instructions import Instructions, InstructionsMissing, available, built
from fractal_kernel.slow import legacy as slow

EARLIER = known("earlier_system.json")
TINY = 1e300
"""A zoom at which every sample of a picture lies at its centre."""

# Numbers that orbits are sensitive to, among any others: fixed points, cycles, the edge |z| = 2, and |C| > 2.
COORDINATES = st.sampled_from([0.0, -1.0, -0.75, 0.25, 1.0, -2.0, 2.0, -2.1, -1.3]) | st.floats(-2.5, 2.5)
ZOOMS = st.sampled_from([0.2, 1.0, 1.2, 1e16, TINY]) | st.floats(-3, 15).map(lambda power: 10.0**power)
SIDES = st.sampled_from([1, 1, 1, 2, 3]) | st.integers(1, legacy.MAX_SIDE)


@st.composite
def pictures(draw: st.DrawFn) -> LegacyDefinition:
    """Any Legacy picture of at most some thousand samples."""
    side = draw(SIDES)
    longest = max(1, 24 // side)
    return definition(
        size=(draw(st.integers(1, longest)), draw(st.integers(1, longest))),
        side=side,
        julia=draw(st.booleans()),
        julia_re=draw(COORDINATES),
        julia_im=draw(COORDINATES),
        center_re=draw(COORDINATES),
        center_im=draw(COORDINATES),
        zoom=draw(ZOOMS),
        max_iterations=draw(st.integers(1, 40) | st.integers(1, 1500)),
        color_mode=draw(st.sampled_from(legacy.COLOR_MODES)),
    )


@st.composite
def rects_of(draw: st.DrawFn, width: int, height: int) -> Rect:
    """Any rectangle of a picture."""
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Rect(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


def rendered(picture: LegacyDefinition, name: Instructions | None = None) -> NDArray[np.uint8]:
    [rgb] = legacy.render(picture, [whole(picture)], Control(), name)
    return rgb


def assert_equals_the_twin(picture: LegacyDefinition) -> None:
    rgb, counts = slow.render(picture, whole(picture)), slow.counts(picture, whole(picture))
    for name in available():
        assert np.array_equal(rendered(picture, name), rgb)
        assert np.array_equal(legacy.counts(picture, whole(picture), Control(), name), counts)


@pytest.mark.parametrize("case", EARLIER, ids=lambda case: case.name)
def test_a_picture_of_the_earlier_system_is_rendered_to_the_byte(case: Known) -> None:
    assert sha256(case.definition) == case.sha256


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_the_kernel_equals_its_slow_twin(picture: LegacyDefinition) -> None:
    assert_equals_the_twin(picture)


@pytest.mark.parametrize("color_mode", legacy.COLOR_MODES)
@pytest.mark.parametrize("julia", [False, True], ids=["mandelbrot", "julia"])
def test_each_type_and_colour_mode_equals_the_twin(color_mode: int, julia: bool) -> None:
    assert_equals_the_twin(definition(size=(40, 30), side=2, zoom=0.35, julia=julia, color_mode=color_mode))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"size": (1, 9)}, id="one-column"),
        pytest.param({"size": (9, 1)}, id="one-row"),
        pytest.param({"size": (3, 3), "side": 16}, id="256-samples"),
        pytest.param({"max_iterations": 1}, id="limit-1"),
        pytest.param({"max_iterations": 7}, id="limit-below-a-block"),
        pytest.param({"max_iterations": 8}, id="limit-of-one-block"),
        pytest.param({"julia": True, "julia_re": -2.1, "julia_im": 0.0}, id="constant-beyond-2"),
        pytest.param({"zoom": 1e-300}, id="coordinates-that-overflow-at-once"),
        pytest.param({"size": (24, 18), "center_re": -0.1, "center_im": 0.75, "zoom": 4.0}, id="period-3-bulb"),
    ],
)
@pytest.mark.parametrize("color_mode", [1, 3])
def test_an_edge_case_equals_the_twin(color_mode: int, changes: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"zoom": 0.4, "color_mode": color_mode}
    assert_equals_the_twin(definition(**(usual | changes)))


def test_an_orbit_that_leaves_the_circle_and_comes_back_has_escaped() -> None:
    # The real axis under C = −2.1: hundreds of its orbits come back below 2 after they escaped.
    axis = definition(size=(400, 1), julia=True, julia_re=-2.1, julia_im=0.0, center_im=0.005, zoom=100.0)
    assert_equals_the_twin(axis)


def test_a_sample_that_escapes_within_a_millionth_of_the_limit_is_black() -> None:
    # Beside the cusp at 1/4 orbits take π/√ε steps: about a million, so that ν is a share of some 1e-7.
    cusp = definition(size=(1, 1), center_re=0.25 + 1e-11, zoom=TINY, color_mode=3, max_iterations=2_000_000)
    [[n]] = legacy.counts(cusp, whole(cusp), Control()).tolist()
    assert 900_000 < n < 1_100_000
    at, beyond = (dataclasses.replace(cusp, max_iterations=limit) for limit in (n, n + 3))
    assert rendered(at).tolist() == [[[0, 0, 0]]]
    assert rendered(beyond).any()


@pytest.mark.parametrize("limit", [2999, 3000, 3001, 3007])
def test_periods_are_skipped_without_a_trace(limit: int) -> None:
    assert_equals_the_twin(definition(size=(20, 15), center_re=-0.6, zoom=0.5, color_mode=1, max_iterations=limit))


@pytest.mark.parametrize("name", available())
def test_the_inside_costs_the_same_at_any_limit(name: Instructions) -> None:
    inside = definition(size=(32, 32), center_re=-0.1, zoom=4.0, max_iterations=legacy.MAX_ITERATIONS)
    control = Control()
    legacy.render(inside, [whole(inside)], control, name)
    assert control.iterations < 1000 * whole(inside).pixels


# One sample at one point, in gray: what t became. The byte 0 of NaN is told from t = 0 by the counts, −1 inside.
@pytest.mark.parametrize(
    ("changes", "gray", "count"),
    [
        pytest.param({"center_re": 0.0}, 255, -1, id="mandelbrot-at-0-counts-as-the-limit"),
        pytest.param({"julia": True, "julia_re": 0.0, "julia_im": 0.0}, 0, -1, id="julia-at-0-is-nan"),
        pytest.param({"center_re": -1.3, "max_iterations": 501}, 255, -1, id="inside-beyond-1-is-white"),
        pytest.param({"center_re": -1.3, "max_iterations": 500}, 0, -1, id="inside-within-1-is-nan"),
        pytest.param({"center_re": -2.0}, 1, 1, id="the-edge-escapes"),
        pytest.param({"julia": True, "center_re": 3.0, "max_iterations": 1}, 0, 0, id="julia-escaped-before-a-step"),
    ],
)
def test_one_sample_shows_what_the_formulas_say(changes: dict[str, Any], gray: int, count: int) -> None:
    usual: dict[str, Any] = {"size": (1, 1), "zoom": TINY, "color_mode": 1}
    picture = definition(**(usual | changes))
    assert rendered(picture).tolist() == [[[gray] * 3]]
    assert legacy.counts(picture, whole(picture), Control()).tolist() == [[count]]
    assert_equals_the_twin(picture)


@pytest.mark.parametrize(("color_mode", "byte"), [(1, 0), (0, 191)], ids=["gray", "black-and-white"])
def test_a_nan_sample_blackens_its_pixel_unless_only_white_is_counted(color_mode: int, byte: int) -> None:
    # Of the four samples at {−1.9, 0.1} × {−1.7, 0.3} only 0.1 + 0.3i stays inside, and within 1 of the origin.
    picture = definition(size=(1, 1), side=2, center_re=0.1, center_im=0.3, zoom=0.25, color_mode=color_mode)
    assert rendered(picture).tolist() == [[[byte] * 3]]
    assert_equals_the_twin(picture)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(available()))
def test_any_cut_gives_the_same_bytes(data: st.DataObject, name: Instructions) -> None:
    picture = data.draw(st.sampled_from(CUT))
    rects = data.draw(st.lists(rects_of(picture.frame.width, picture.frame.height), min_size=1, max_size=5))
    full = rendered(picture)
    parts = legacy.render(picture, rects, Control(), name)
    assert len(parts) == len(rects)
    for rect, part in zip(rects, parts, strict=True):
        assert np.array_equal(part, full[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width])


CUT = [
    definition(size=(61, 37), zoom=0.4, center_re=-0.6, color_mode=3, max_iterations=300),
    definition(size=(13, 50), side=3, zoom=0.35, julia=True, color_mode=6),
]


@settings(max_examples=30, deadline=None)
@given(pictures(), st.data())
def test_counts_do_not_depend_on_samples_or_cut(picture: LegacyDefinition, data: st.DataObject) -> None:
    assume(picture.frame.side > 1)
    rect = data.draw(rects_of(picture.frame.width, picture.frame.height))
    single = dataclasses.replace(picture, frame=dataclasses.replace(picture.frame, side=1))
    full = legacy.counts(single, whole(single), Control())
    cut = legacy.counts(picture, rect, Control())
    assert np.array_equal(cut, full[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width])


def test_no_rectangles_give_no_pixels() -> None:
    assert legacy.render(definition(), [], Control()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 17}, "side must be from 1 to 16, got 17"),
        ({"side": 0}, "side must be from 1 to 16, got 0"),
        ({"max_iterations": 0}, "max_iterations must be from 1 to 2147483647, got 0"),
        ({"max_iterations": 2**31}, "max_iterations must be from 1 to 2147483647"),
        ({"color_mode": 9}, "color_mode must be from 0 to 8, got 9"),
        ({"zoom": 0.0}, "zoom must be above 0, got 0.0"),
        ({"center_re": float("nan")}, "must be finite"),
        ({"julia_im": float("inf")}, "must be finite"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_a_number_that_no_picture_has_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        legacy.render(definition(**changes), [Rect(0, 0, 1, 1)], Control())


@pytest.mark.parametrize(
    "rect",
    [Rect(-1, 0, 2, 2), Rect(0, 0, 17, 1), Rect(0, 12, 1, 1), Rect(0, 0, 0, 1), Rect(5, 5, 1, -1)],
    ids=["left", "too-wide", "below", "empty", "negative"],
)
def test_a_rectangle_outside_the_picture_is_refused(rect: Rect) -> None:
    picture = definition(size=(16, 12))
    with pytest.raises(ValueError, match="is not inside the picture of 16×12 pixels"):
        legacy.render(picture, [Rect(0, 0, 1, 1), rect], Control())
    with pytest.raises(ValueError, match="is not inside the picture of 16×12 pixels"):
        legacy.counts(picture, rect, Control())


def test_an_instruction_set_that_is_not_here_is_refused() -> None:
    missing = next(instructions for instructions in Instructions if instructions not in built())
    with pytest.raises(InstructionsMissing, match=f"no instructions called {missing}"):
        legacy.render(definition(), [Rect(0, 0, 1, 1)], Control(), missing)

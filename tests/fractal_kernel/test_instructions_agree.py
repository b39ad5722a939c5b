"""Every instruction set gives the same bits: of n, of the fraction, and of the bytes, on random and on hard numbers.

The slow twin is held against each set elsewhere, on small pictures. Here the sets are held against each other, on
pictures that keep all lanes busy for long: full vectors, refills, roll-backs, marks, limits that are no whole block.
"""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from support.grid_pictures import definition, julia, pictures, point, view, whole
from support.legacy_pictures import definition as legacy_definition

from fractal_api.tiling import Rect
from fractal_kernel.definition import GridDefinition, LegacyDefinition
from fractal_kernel.escape import legacy
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.grid import Grid, Shortcuts, State
from fractal_kernel.escape.instructions import Instructions, available, built
from fractal_kernel.slow import grid as slow

FIRST = available()[0]
EVERY_SET = [
    pytest.param(
        instructions,
        marks=[] if instructions in available() else pytest.mark.skip(reason=f"this processor has no {instructions}"),
    )
    for instructions in built()[1:]
]
LIMITS = [1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1000]
"""Around the steps of a block, and one that isn't."""

HARD = {
    "the cusp": definition(size=(64, 64), center_re=0.25, zoom=1e4, max_iterations=3000),
    "the edge of the cardioid": definition(size=(64, 64), center_re=-0.125, center_im=0.649519052838, zoom=1e3),
    "between cardioid and disc": definition(size=(64, 64), center_re=-0.75, zoom=1e4, max_iterations=3000),
    "the edge of the disc": definition(size=(64, 64), center_re=-1.25, zoom=1e5, max_iterations=2003),
    "the needle": definition(size=(200, 3), center_re=-1.9999, zoom=100.0, max_iterations=997),
    "seahorses": view("seahorse", (160, 90), max_iterations=2501),
    "nothing but inside": view("interior", (96, 54), max_iterations=4001),
    "starts near and far from 0": definition(size=(90, 60), center_re=4.0, zoom=0.2),
    "wider than a window": view("full", (9001, 3), max_iterations=99),
    "both edges and the far": definition(size=(90, 60), zoom=0.05, max_iterations=333),
    "anti-aliased": view("full", (33, 21), side=3),
    "dust": julia(0.4, 0.4, size=(90, 60), max_iterations=501),
    "a Julia set beyond 2": julia(-2.1, 0.0, size=(300, 3), zoom=0.3, max_iterations=501),
    "a Julia set that comes back": julia(-250500.0, 0.0, size=(64, 3), center_re=-500.0, zoom=1e-3, max_iterations=77),
    "a Julia set as large as the circle": julia(-999000.0, 1.0, size=(64, 64), zoom=5e-4, max_iterations=77),
    "infinite at once": definition(size=(9, 9), zoom=1e-300, matrix=(1e100, 1e100, -1e100, 1e100)),
    "a huge centre": definition(center_re=1e308, center_im=-1e308),
    "subnormal offsets": julia(-1.0, 0.0, zoom=1e290, side=2),
}

LEGACY = {
    "the whole set": legacy_definition(size=(120, 80), zoom=0.4, max_iterations=255),
    "a limit within a block": legacy_definition(size=(120, 80), zoom=0.4, max_iterations=1003, color_mode=1),
    "around −2": legacy_definition(size=(80, 60), center_re=-2.0, zoom=1e4, max_iterations=301, color_mode=4),
    "around 2": legacy_definition(size=(80, 60), center_re=2.0, zoom=1e7, max_iterations=301, color_mode=1),
    "|c| near 2 everywhere": legacy_definition(
        size=(80, 60), center_im=2.0, zoom=1e12, max_iterations=64, color_mode=1
    ),
    "Julia, |C| = 2": legacy_definition(size=(90, 5), julia=True, julia_re=-2.0, zoom=0.3, max_iterations=300),
    "Julia, |C| > 2": legacy_definition(size=(400, 3), julia=True, julia_re=-2.1, zoom=0.3, max_iterations=300),
    "Julia, dust": legacy_definition(size=(90, 60), julia=True, julia_re=0.4, julia_im=0.4, zoom=0.3),
}


def assert_same_grid(picture: GridDefinition, instructions: Instructions, rendered: bool = True) -> None:
    """Counts, fractions and bytes are those of the first set, with all shortcuts and with none."""
    rect, first = whole(picture), Grid(picture, FIRST, Shortcuts.NONE)
    counts, fractions = first.escapes(rect, Control())
    for shortcuts in (Shortcuts.NONE, Shortcuts.ALL):
        other = Grid(picture, instructions, shortcuts)
        other_counts, other_fractions = other.escapes(rect, Control())
        np.testing.assert_array_equal(other_counts, counts)
        np.testing.assert_array_equal(other_fractions.view(np.int64), fractions.view(np.int64))
        if rendered:
            np.testing.assert_array_equal(other.render([rect], Control()), first.render([rect], Control()))


@pytest.mark.parametrize("instructions", EVERY_SET)
@pytest.mark.parametrize("picture", HARD.values(), ids=HARD.keys())
def test_hard_numbers_give_the_same_bits(picture: GridDefinition, instructions: Instructions) -> None:
    assert_same_grid(picture, instructions)


@pytest.mark.parametrize("instructions", EVERY_SET)
@pytest.mark.parametrize("limit", LIMITS)
def test_any_limit_gives_the_same_bits(limit: int, instructions: Instructions) -> None:
    assert_same_grid(view("full", (50, 40), max_iterations=limit), instructions)
    assert_same_grid(julia(-0.8, 0.156, size=(50, 40), max_iterations=limit), instructions)


@pytest.mark.parametrize("instructions", EVERY_SET)
def test_random_pictures_give_the_same_bits(instructions: Instructions) -> None:
    @settings(max_examples=200, deadline=None)
    @given(pictures())
    def check(picture: GridDefinition) -> None:
        assert_same_grid(picture, instructions)

    check()


@pytest.mark.parametrize("instructions", EVERY_SET)
@pytest.mark.parametrize("picture", LEGACY.values(), ids=LEGACY.keys())
def test_legacy_numbers_give_the_same_bytes(picture: LegacyDefinition, instructions: Instructions) -> None:
    rect = whole_of(picture)
    for changed in (
        picture,
        dataclasses.replace(picture, max_iterations=8),
        dataclasses.replace(picture, max_iterations=1),
    ):
        [expected], [found] = (legacy.render(changed, [rect], Control(), used) for used in (FIRST, instructions))
        np.testing.assert_array_equal(found, expected)
        expected_counts, counts = (legacy.counts(changed, rect, Control(), used) for used in (FIRST, instructions))
        np.testing.assert_array_equal(counts, expected_counts)


@pytest.mark.parametrize("instructions", available())
def test_an_orbit_that_leaves_the_circle_and_comes_back_has_escaped(instructions: Instructions) -> None:
    # From z₀ = √999,999.75 on, z₁ = −1000.5 lies outside, and z₂ = 0 within.
    picture = julia(-1001000.25, 0.0, size=(200, 1), center_re=999.999875, zoom=4e5, max_iterations=40)
    counts, _ = Grid(picture, instructions).escapes(whole(picture), Control())
    np.testing.assert_array_equal(counts, slow.escapes(picture, whole(picture))[0])
    assert (counts == 1).any()


@pytest.mark.parametrize("instructions", available())
@pytest.mark.parametrize("turn", np.linspace(0.003, 0.997, 24))
def test_what_is_called_inside_without_a_step_comes_back_to_itself(turn: float, instructions: Instructions) -> None:
    """Just within the margin of cardioid and disc, where it would be wrong first: z repeats to the bit."""
    multiplier = math.sqrt(1.0 - 2.0**-16) * complex(math.cos(math.tau * turn), math.sin(math.tau * turn)) * (1 - 1e-9)
    for c in (multiplier / 2 - multiplier * multiplier / 4, multiplier / 4 - 1):
        known, stepped = (
            Grid(point(c.real, c.imag, max_iterations=2**31 - 1), instructions, shortcuts)
            for shortcuts in (Shortcuts.ALL, Shortcuts.REPEATS)
        )
        for grid, most in ((known, 0), (stepped, 2**31 - 2)):
            control, points = Control(), grid.start(np.array([0]), np.array([0]))
            grid.advance(points, 2**31 - 1, control)
            assert points["state"].tolist() == [State.INSIDE]
            assert control.iterations <= most


def whole_of(picture: LegacyDefinition) -> Rect:
    """The rectangle of all its pixels."""
    return Rect(0, 0, picture.frame.width, picture.frame.height)

"""Grid pictures: equal to the slow twin to the bit, whatever the cut and the instruction set."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.grid_pictures import BUILT, definition, julia, pictures, point, rects_of, view, whole

from fractal_api.tiling import Rect
from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape import _grid
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.grid import POINT, Grid, State
from fractal_kernel.escape.instructions import Instructions
from fractal_kernel.slow import grid as slow

PICTURES = {
    "seahorse": view("seahorse", (40, 30), max_iterations=1500),
    "full": view("full", (40, 30)),
    "interior": view("interior", (6, 4), max_iterations=1500),
    "anti-aliased": view("seahorse", (12, 9), side=4, max_iterations=600),
    "256 samples": view("full", (3, 2), side=16),
    "Julia": julia(-0.8, 0.156, size=(40, 30), side=2),
    "Julia, connected": julia(-0.1, 0.65, size=(24, 18), max_iterations=1000),
    "turned and stretched": definition(size=(30, 40), matrix=(1.1, -0.6, 0.7, 0.9), side=2),
    "colours of its own": definition(colors=("#102030", "#ffcc00", "#ff0000"), inside="#123456", offset=-0.3),
    "wide": definition(size=(300, 1)),
    "tall": definition(size=(1, 300)),
    "wider than a window": view("full", (9001, 2), max_iterations=40),
    "wider than a window, anti-aliased": view("full", (301, 3), max_iterations=40, side=16),
    "starts near and far from 0": definition(size=(64, 48), center_re=4.0, zoom=0.2),
    "starts at the edge of what is near": definition(size=(64, 48), center_re=3.0, center_im=2.0, zoom=100.0),
    "outside at the first step": definition(size=(64, 48), zoom=1e-4),
    "outside at the second and the third": definition(size=(64, 48), zoom=1e-2),
    "far away": definition(zoom=1e-300),
    "beyond doubles": definition(zoom=1e-300, matrix=(1e100, 1e100, -1e100, 1e100)),
    "a huge centre": definition(center_re=1e308, center_im=-1e308),
    "Julia of a huge constant": julia(1e308, 1e308),
    "Julia of a constant as large as the radius": julia(-1000.0, 0.0, center_re=33.0, zoom=0.1),
    "around nothing": definition(size=(4, 3), center_re=0.0, zoom=1e300, max_iterations=20),
    "subnormal offsets": julia(-1.0, 0.0, zoom=1e290, side=2),
    "one iteration": definition(max_iterations=1),
    "fast colours": view("full", (20, 15), scale=1e6, offset=1e6),
}


def assert_equals_the_twin(picture: GridDefinition, instructions: Instructions, rect: Rect | None = None) -> None:
    """Counts, fractions and bytes of a rect are those of the twin."""
    rect = whole(picture) if rect is None else rect
    grid = Grid(picture, instructions)
    counts, fractions = grid.escapes(rect, Control())
    expected_counts, expected_fractions = slow.escapes(picture, rect)
    np.testing.assert_array_equal(counts, expected_counts)
    np.testing.assert_array_equal(fractions.view(np.int64), expected_fractions.view(np.int64))
    [rgb] = grid.render([rect], Control())
    np.testing.assert_array_equal(rgb, slow.render(picture, rect))


@pytest.mark.parametrize("instructions", BUILT)
@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_a_picture_equals_its_slow_twin(picture: GridDefinition, instructions: Instructions) -> None:
    assert_equals_the_twin(picture, instructions)


@pytest.mark.parametrize("instructions", BUILT)
def test_any_part_of_any_picture_equals_its_slow_twin(instructions: Instructions) -> None:
    @settings(max_examples=150, deadline=None)
    @given(st.data(), pictures())
    def check(data: st.DataObject, picture: GridDefinition) -> None:
        assert_equals_the_twin(picture, instructions, data.draw(rects_of(picture)))

    check()


@settings(max_examples=50, deadline=None)
@given(st.data(), pictures())
def test_a_picture_is_the_same_however_it_is_cut(data: st.DataObject, picture: GridDefinition) -> None:
    grid = Grid(picture)
    rects = data.draw(st.lists(rects_of(picture), min_size=1, max_size=6))
    [rgb] = grid.render([whole(picture)], Control())
    counts = grid.counts(whole(picture), Control())
    for rect, part in zip(rects, grid.render(rects, Control()), strict=True):
        rows, columns = slice(rect.y, rect.y + rect.height), slice(rect.x, rect.x + rect.width)
        np.testing.assert_array_equal(part, rgb[rows, columns])
        np.testing.assert_array_equal(grid.counts(rect, Control()), counts[rows, columns])


def test_tiles_make_up_the_whole_picture() -> None:
    picture = view("seahorse", (200, 130), max_iterations=500, block_size=32)
    grid = Grid(picture)
    [rgb] = grid.render([whole(picture)], Control())
    tiles = list(picture.frame.grid)
    assembled = np.zeros_like(rgb)
    for tile, part in zip(tiles, grid.render(tiles, Control()), strict=True):
        assembled[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] = part
    np.testing.assert_array_equal(assembled, rgb)


def test_counts_are_those_of_the_first_sample() -> None:
    picture = view("seahorse", (30, 20), side=3, max_iterations=500)
    grid = Grid(picture)
    counts = grid.counts(whole(picture), Control())
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, grid.escapes(whole(picture), Control())[0][..., 0])
    np.testing.assert_array_equal(counts, slow.counts(picture, whole(picture)))


# --- where it escapes ------------------------------------------------------------------------------------------------

C_THAT_ESCAPES_AT = {(1000.1, 0.0): 1, (40.0, 0.0): 2, (0.26, 0.0): 33, (-0.75, 0.01): 318}
"""The first n with |z_n| > 1000, computed with 50 digits."""


@pytest.mark.parametrize("instructions", BUILT)
@pytest.mark.parametrize(("c", "n"), C_THAT_ESCAPES_AT.items(), ids=str)
def test_the_last_index_that_is_tested_is_max_iterations(
    c: tuple[float, float], n: int, instructions: Instructions
) -> None:
    for limit, expected in ((n - 1, -1), (n, n), (n + 1, n), (2**31 - 1, n)):
        if limit >= 1:
            grid = Grid(point(*c, max_iterations=limit), instructions)
            assert grid.counts(Rect(0, 0, 1, 1), Control()).tolist() == [[expected]]


@pytest.mark.parametrize("instructions", BUILT)
@pytest.mark.parametrize(
    ("re", "n"), [(1000.0, 1), (math.nextafter(1000.0, 2000.0), 0), (-1000.0, 1), (5000.0, 0), (1e308, 0)]
)
def test_a_sample_of_a_julia_set_is_tested_before_the_first_step(re: float, n: int, instructions: Instructions) -> None:
    grid = Grid(point(re, 0.0, julia=True, julia_re=-1.0), instructions)
    assert grid.counts(Rect(0, 0, 1, 1), Control()).tolist() == [[n]]


@pytest.mark.parametrize("instructions", BUILT)
def test_no_number_is_not_inside(instructions: Instructions) -> None:
    picture = definition(size=(2, 2), zoom=1e-300, matrix=(1e100, 1e100, -1e100, 1e100))
    counts, fractions = Grid(picture, instructions).escapes(whole(picture), Control())
    assert (counts == 1).all()
    assert np.isfinite(fractions).all()


# --- where the samples lie -------------------------------------------------------------------------------------------


def test_rows_go_down_and_columns_to_the_right() -> None:
    points = Grid(definition(size=(2, 2), zoom=1.0, center_re=0.0)).start(np.array([0, 1]), np.array([0, 1]))
    assert points["cr"].tolist() == [-0.25, 0.25]
    assert points["ci"].tolist() == [0.25, -0.25]


def test_a_zoom_of_one_shows_a_height_of_one_and_square_pixels() -> None:
    points = Grid(definition(size=(200, 100), zoom=1.0, center_re=0.0)).start(np.array([0, 199]), np.array([99, 0]))
    assert points["cr"].tolist() == pytest.approx([-0.995, 0.995])
    assert points["ci"].tolist() == pytest.approx([-0.495, 0.495])


def test_samples_lie_in_the_middle_of_equal_parts_of_a_pixel() -> None:
    picture = julia(0.0, 0.0, size=(1, 1), side=2, center_re=1000.0, zoom=1.0, max_iterations=1)
    # Of the four samples 1000 ± ¼ ± ¼i only the two on the right lie beyond the escape radius: sx outer, sy inner.
    assert Grid(picture).escapes(whole(picture), Control())[0].ravel().tolist() == [1, 1, 0, 0]


def test_the_matrix_takes_offsets_from_the_centre() -> None:
    upright = definition(size=(4, 3), zoom=0.5, center_re=-0.25, center_im=0.125)
    turned = dataclasses.replace(upright, matrix=(0.0, -1.0, 2.0, 0.0))
    pixels = np.array([0, 3]), np.array([0, 1])
    before, after = (Grid(picture).start(*pixels) for picture in (upright, turned))
    np.testing.assert_allclose(after["cr"] + 0.25, -(before["ci"] - 0.125))
    np.testing.assert_allclose(after["ci"] - 0.125, 2.0 * (before["cr"] + 0.25))


# --- what colours mean -----------------------------------------------------------------------------------------------


def test_samples_are_averaged_in_linear_light() -> None:
    picture = julia(0.0, 0.0, size=(1, 1), side=2, center_re=1000.0, zoom=1.0, max_iterations=1)
    half_inside = dataclasses.replace(picture, julia_re=-1e6, colors=("#ffffff",), inside="#000000")
    counts = Grid(half_inside).escapes(whole(half_inside), Control())[0].ravel()
    assert counts.tolist() == [-1, -1, 0, 0]
    [rgb] = Grid(half_inside).render([whole(half_inside)], Control())
    assert rgb.tolist() == [[[188, 188, 188]]]  # half of white's light; half of white's bytes would be 128


def test_the_inside_has_its_colour() -> None:
    picture = view("interior", (4, 3), max_iterations=5000, inside="#0a1b2c")
    [rgb] = Grid(picture).render([whole(picture)], Control())
    assert (rgb == [0x0A, 0x1B, 0x2C]).all()


def test_a_turn_of_the_offset_changes_nothing_and_half_a_turn_does() -> None:
    picture = view("full", (20, 15))
    [rgb], [turned], [half] = (
        Grid(dataclasses.replace(picture, offset=offset)).render([whole(picture)], Control())
        for offset in (0.0, 1.0, 0.5)
    )
    assert np.abs(turned.astype(int) - rgb).max() <= 1
    assert (half != rgb).any()


# --- the door --------------------------------------------------------------------------------------------------------


def test_no_rects_give_no_pixels() -> None:
    assert Grid(definition()).render([], Control()) == []


@pytest.mark.parametrize(
    "rect",
    [Rect(-1, 0, 1, 1), Rect(0, -1, 1, 1), Rect(0, 0, 0, 1), Rect(0, 0, 1, 0), Rect(0, 0, 17, 1), Rect(15, 11, 1, 2)],
)
def test_a_rect_outside_the_picture_is_refused(rect: Rect) -> None:
    grid = Grid(definition(size=(16, 12)))
    with pytest.raises(ValueError, match="not inside a picture of 16×12"):
        grid.render([Rect(0, 0, 1, 1), rect], Control())
    with pytest.raises(ValueError, match="not inside a picture of 16×12"):
        grid.counts(rect, Control())


@pytest.mark.parametrize("side", [0, 17])
def test_more_samples_than_a_pixel_may_have_are_refused(side: int) -> None:
    with pytest.raises(ValueError, match="1 to 16 samples"):
        Grid(definition(side=side))


@pytest.mark.parametrize("undecided", [None, 0])
def test_a_picture_whose_iterations_are_not_decided_is_refused(undecided: int | None) -> None:
    with pytest.raises(ValueError, match="coarse pass must have decided"):
        Grid(definition(max_iterations=undecided))


def test_points_are_what_the_loops_think_they_are() -> None:
    assert POINT.itemsize == _grid.POINT_BYTES


@pytest.mark.parametrize("instructions", BUILT)
def test_points_that_are_run_on_in_rounds_end_where_one_run_ends(instructions: Instructions) -> None:
    grid = Grid(view("seahorse", (20, 20)), instructions)
    rows, columns = np.mgrid[:20, :20]
    at_once, in_rounds = grid.start(columns, rows), grid.start(columns, rows)
    grid.advance(at_once, 800, Control())
    for limit in (1, 2, 50, 50, 333, 800):
        grid.advance(in_rounds, limit, Control())
        going = in_rounds["state"] == State.RUNNING
        assert (in_rounds["n"][going] == limit).all()
    escaped = at_once["state"] == State.ESCAPED
    assert escaped.any()
    np.testing.assert_array_equal(in_rounds[escaped], at_once[escaped])

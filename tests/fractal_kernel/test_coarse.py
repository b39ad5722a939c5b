"""The coarse pass: `maxIterations: auto` is what the slow twin says, and costs foretell the work."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import legacy_pictures
from support.grid_pictures import definition, julia, pictures, view, whole

from fractal_api.tiling import Rect
from fractal_kernel import coarse
from fractal_kernel.definition import Frame, GridDefinition
from fractal_kernel.escape.control import Control
from fractal_kernel.picture import Picture
from fractal_kernel.slow import coarse as slow
from fractal_kernel.slow.grid import escape_indices


def survey(picture: GridDefinition) -> coarse.Survey:
    return coarse.survey(picture, Control())


def auto(**changes: object) -> GridDefinition:
    return view("seahorse", (12, 9), max_iterations=None, **changes)


AUTO = {
    "full": (view("full", (40, 30), max_iterations=None), 16384),
    "inside": (view("interior", (4, 3), max_iterations=None), 4096),
    "nothing but outside": (definition(center_re=50.0, max_iterations=None), 4096),
    # Orbits need about π/√ε iterations to pass the point ½ with c = ¼ + ε: here 702, then 4443.
    "all escape late": (julia(0.25002, 0.0, size=(3, 2), zoom=20.0, max_iterations=None), 8192),
    "all escape later than is looked": (julia(0.2500005, 0.0, size=(3, 2), zoom=20.0, max_iterations=None), 4096),
}


@pytest.mark.parametrize(("picture", "iterations"), AUTO.values(), ids=AUTO.keys())
def test_auto_is_four_times_what_the_coarse_pass_needed(picture: GridDefinition, iterations: int) -> None:
    assert survey(picture).max_iterations == iterations
    assert slow.auto_iterations(picture) == iterations


@settings(max_examples=20, deadline=None)
@given(pictures(), st.integers(1, 5))
def test_auto_is_what_the_slow_twin_says(picture: GridDefinition, longest: int) -> None:
    frame = dataclasses.replace(picture.frame, width=min(picture.frame.width, longest), height=longest)
    undecided = dataclasses.replace(picture, frame=frame, max_iterations=None)
    assert survey(undecided).max_iterations == slow.auto_iterations(undecided)


def test_auto_does_not_depend_on_samples_colours_or_tiles() -> None:
    plain = auto()
    assert len({survey(auto(**changes)).max_iterations for changes in ({}, {"palette": "ocean"}, {"scale": 3.0})}) == 1
    tiled = dataclasses.replace(plain, frame=dataclasses.replace(plain.frame, block_size=1))
    assert survey(tiled).max_iterations == survey(plain).max_iterations


STRIDES = {
    (1, 1): 1,
    (256, 256): 1,
    (257, 256): 2,
    (1920, 1080): 6,
    (65_536, 1024): 32,
    (65_536, 1): 1,
    (8192, 8192): 32,
}


@pytest.mark.parametrize(("size", "stride"), STRIDES.items(), ids=str)
def test_the_coarse_grid_is_the_finest_of_at_most_65536_samples(size: tuple[int, int], stride: int) -> None:
    assert coarse.coarse_stride(Frame(width=size[0], height=size[1], side=1, block_size=64)) == stride


def test_coarse_samples_are_the_first_ones_of_pixels_in_the_middle_of_cells() -> None:
    picture = view("full", (600, 200), side=2)
    found = survey(picture)
    assert found.stride == 2
    columns, rows = np.arange(1, 600, 2), np.arange(1, 200, 2)
    expected = escape_indices(dataclasses.replace(picture, max_iterations=100), *np.meshgrid(columns[::9], rows[::9]))
    counts = np.where(found.counts > 100, -1, found.counts)
    np.testing.assert_array_equal(counts[::9, ::9], expected)


def test_a_clipped_cell_keeps_its_sample_inside_the_picture() -> None:
    found = survey(view("full", (515, 257), max_iterations=50))
    assert found.stride == 2
    assert found.counts.shape == (129, 258)


def test_the_number_of_iterations_that_is_given_is_kept() -> None:
    for given_number in (1, 1000, 5000):
        assert survey(view("full", (30, 20), max_iterations=given_number)).max_iterations == given_number


@pytest.mark.parametrize("name", ["full", "seahorse"])
def test_the_cost_of_a_picture_foretells_its_iterations(name: str) -> None:
    picture = view(name, (640, 360), max_iterations=1000, side=2)
    control = Control()
    Picture(picture).render([whole(picture)], control)
    samples = whole(picture).pixels * 4
    assert survey(picture).cost(whole(picture)) - coarse.SAMPLE_COST * samples == pytest.approx(
        control.iterations, rel=0.1
    )


def test_costs_of_tiles_add_up_to_that_of_the_picture() -> None:
    picture = view("seahorse", (700, 450), max_iterations=1000, block_size=37)
    found = survey(picture)
    assert found.stride > 1
    assert sum(found.cost(tile) for tile in picture.frame.grid) == pytest.approx(found.cost(whole(picture)))


def test_a_tile_costs_what_its_own_cells_cost() -> None:
    picture = view("full", (40, 30), max_iterations=500)
    found = survey(picture)
    tile = Rect(7, 5, 11, 13)
    expected = found.work[5:18, 7:18].sum() + coarse.SAMPLE_COST * tile.pixels
    assert found.cost(tile) == pytest.approx(expected)


def test_samples_that_stay_undecided_cost_every_iteration() -> None:
    siegel_disc = {"center_re": -0.1, "center_im": -0.3, "zoom": 5.0}
    picture = julia(-0.3905408702184, -0.586787907346969, size=(256, 256), max_iterations=2**31 - 1, **siegel_disc)
    control = Control()
    found = coarse.survey(picture, control)
    assert control.iterations < coarse.FIRST_LIMIT * 256**2 + coarse.SURVEY_BUDGET
    assert found.work.max() == 2**31 - 1


def test_a_survey_ends_soon_whatever_the_iterations_asked_for() -> None:
    control = Control()
    coarse.survey(view("full", max_iterations=2**31 - 1), control)
    assert control.iterations < coarse.FIRST_LIMIT * coarse.MAX_POINTS + coarse.SURVEY_BUDGET


@pytest.mark.parametrize("max_iterations", [None, 300, 3000])
def test_ranks_that_share_the_samples_decide_the_same(max_iterations: int | None) -> None:
    picture = view("seahorse", (40, 30), max_iterations=max_iterations)
    parts = [coarse.Samples(picture, part, 3) for part in range(3)]
    rounds = coarse.Rounds(max_iterations, coarse.point_count(picture.frame))
    while isinstance(rounds.step, int):
        for part in parts:
            part.advance(rounds.step, Control())
        tallies = [part.tally for part in parts]
        rounds.learn(sum(tallies[1:], tallies[0]))
    alone = survey(picture)
    assert rounds.step.max_iterations == alone.max_iterations
    counts = np.empty(40 * 30, dtype=np.int64)
    for number, part in enumerate(parts):
        part.advance(rounds.step.limit, Control())
        counts[number::3] = part.counts
    np.testing.assert_array_equal(counts.reshape(30, 40), alone.counts)


def test_a_part_says_nothing_of_the_samples_of_others() -> None:
    picture = view("full", (40, 30), max_iterations=500)
    whole_work = survey(picture).work
    parts = [coarse.Samples(picture, part, 7) for part in range(7)]
    for number, part in enumerate(parts):
        part.advance(500, Control())
        work = part.work(500).ravel()
        others = np.arange(40 * 30) % 7 != number
        assert not work[others].any()
    escaped = survey(picture).counts >= 0
    together = sum(part.work(500) for part in parts)
    np.testing.assert_array_equal(np.where(escaped, together, 0), np.where(escaped, whole_work, 0))


def test_undecided_samples_are_expected_to_take_every_iteration() -> None:
    picture = julia(-0.3905408702184, -0.586787907346969, size=(20, 20), center_re=-0.1, center_im=-0.3, zoom=5.0)
    samples = coarse.Samples(picture)
    samples.advance(100, Control())
    assert samples.tally.running > 0
    assert np.count_nonzero(samples.work(70_000) == 70_000) == samples.tally.running
    assert np.count_nonzero(samples.work(100) == 100) >= samples.tally.running


# --- the rounds ------------------------------------------------------------------------------------------------------


def steps(max_iterations: int | None, tally: coarse.Tally) -> list[int | coarse.Decision]:
    """What the rounds of a thousand samples are, when each ends like that."""
    rounds = coarse.Rounds(max_iterations, 1000)
    found = [rounds.step]
    while isinstance(rounds.step, int):
        rounds.learn(tally)
        found.append(rounds.step)
    return found


def test_a_low_number_of_iterations_that_is_given_is_decided_without_a_round() -> None:
    for number in (1, 1000, 1024):
        assert steps(number, coarse.Tally(running=1000, late=1000)) == [
            coarse.Decision(limit=number, max_iterations=number)
        ]


def test_a_higher_one_is_reached_in_rounds_whose_last_nothing_depends_on() -> None:
    calm, few = coarse.Tally(running=1, late=0), coarse.Tally(running=1, late=1000)
    expected = [1024, 2048, 4096, coarse.Decision(limit=5000, max_iterations=5000)]
    assert steps(5000, calm) == steps(5000, few) == expected
    assert steps(1025, calm) == [1024, coarse.Decision(limit=1025, max_iterations=1025)]


def test_auto_doubles_while_samples_escape_late_and_then_goes_on_to_learn_costs() -> None:
    calm = coarse.Tally(running=1, late=1)
    assert steps(None, calm) == [1024, 2048, coarse.Decision(limit=4096, max_iterations=4096)]
    restless = coarse.Tally(running=0, late=2)
    doubled = [1024 << k for k in range(14)]
    assert doubled[-2] == coarse.LAST_LIMIT
    assert steps(None, restless) == [*doubled, coarse.Decision(limit=1 << 24, max_iterations=1 << 24)]


def test_rounds_that_would_cost_more_than_their_budget_are_left_out() -> None:
    most = coarse.Tally(running=coarse.SURVEY_BUDGET // 1024, late=0)
    assert steps(None, most) == [1024, 2048, coarse.Decision(limit=2048, max_iterations=4096)]
    more = coarse.Tally(running=coarse.SURVEY_BUDGET // 1024 + 1, late=0)
    assert steps(None, more) == [1024, coarse.Decision(limit=1024, max_iterations=4096)]


def test_a_legacy_picture_is_surveyed_by_what_costs_about_as_much() -> None:
    picture = legacy_pictures.definition(size=(200, 150), center_re=-0.5, zoom=0.4)
    found = coarse.survey(picture, Control())
    assert found.max_iterations == picture.max_iterations
    control = Control()
    Picture(picture).render([legacy_pictures.whole(picture)], control)
    assert found.cost(legacy_pictures.whole(picture)) == pytest.approx(control.iterations, rel=1.0)

"""What tiles are expected to cost, from what coarse samples cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fractal_kernel.coarse import SAMPLE_COST, Survey, coarse_stride
from fractal_kernel.definition import Frame
from fractal_kernel.world.costs import PIXEL_WORK, tile_iterations, tile_pixels, tile_work

FRAMES = st.builds(
    Frame,
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    side=st.integers(1, 3),
    block_size=st.integers(8, 256),
)


def survey_of(frame: Frame, seed: int) -> Survey:
    """A survey of that picture with costs at random."""
    stride = coarse_stride(frame)
    shape = (-(-frame.height // stride), -(-frame.width // stride))
    work = np.random.default_rng(seed).integers(0, 1000, shape).astype(np.float64)
    return Survey(frame=frame, stride=stride, max_iterations=1000, counts=work.astype(np.int64), work=work)


@given(frame=FRAMES, seed=st.integers(0, 1000))
def test_the_work_of_all_tiles_at_once_is_the_surveys_cost_of_each(frame: Frame, seed: int) -> None:
    survey = survey_of(frame, seed)
    expected = [survey.cost(rect) + PIXEL_WORK * rect.pixels for rect in frame.grid]
    assert tile_work(tile_iterations(survey.work, frame), frame).tolist() == pytest.approx(expected)


@given(frame=FRAMES, seed=st.integers(0, 1000), parts=st.integers(1, 5))
def test_what_ranks_sum_of_their_shares_adds_up_to_the_bit(frame: Frame, seed: int, parts: int) -> None:
    work = survey_of(frame, seed).work * 1e6
    together = np.zeros(len(frame.grid))
    for part in range(parts):
        share = np.zeros(work.size)
        share[part::parts] = work.ravel()[part::parts]
        together += tile_iterations(share.reshape(work.shape), frame)
    np.testing.assert_array_equal(together, tile_iterations(work, frame))


@given(frame=FRAMES)
def test_the_pixels_of_tiles_are_those_of_their_rects(frame: Frame) -> None:
    assert tile_pixels(frame.grid).tolist() == [rect.pixels for rect in frame.grid]


@settings(max_examples=20, deadline=None)
@given(
    width=st.integers(1, 65_536),
    height=st.integers(1, 65_536),
    block_size=st.sampled_from([1, 8, 64, 1000]),
    seed=st.integers(0, 1000),
)
def test_a_tile_has_the_work_of_its_parts_of_cells_in_pictures_of_any_size(
    width: int, height: int, block_size: int, seed: int
) -> None:
    frame = Frame(width=width, height=height, side=1, block_size=block_size)
    survey = survey_of(frame, seed)
    found = tile_iterations(survey.work, frame)
    tile = seed % len(found)
    rect = frame.grid.tile(tile)
    assert found[tile] == pytest.approx(survey.cost(rect) - SAMPLE_COST * rect.pixels, rel=1e-6, abs=1e-3)


def test_the_work_of_a_picture_of_one_row_needs_no_table_of_tiles_by_cells() -> None:
    frame = Frame(width=65_536, height=1, side=1, block_size=1)
    survey = survey_of(frame, 0)
    assert tile_work(tile_iterations(survey.work, frame), frame).sum() == pytest.approx(
        survey.work.sum() + 65_536 * (16 + PIXEL_WORK)
    )

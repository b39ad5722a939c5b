"""Which tiles a rank gets next, and how many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_api.tiling import TileGrid
from fractal_kernel.coarse import Survey, coarse_stride
from fractal_kernel.definition import Frame
from fractal_kernel.world.batches import (
    LONGEST_S,
    MAX_PIXELS,
    PIXEL_WORK,
    SHORTEST_S,
    Rates,
    TileQueue,
    tile_work,
)

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
    assert tile_work(survey, frame.grid) == pytest.approx(expected)


def test_the_work_of_a_picture_of_one_row_needs_no_table_of_tiles_by_cells() -> None:
    frame = Frame(width=65_536, height=1, side=1, block_size=1)
    survey = survey_of(frame, 0)
    assert sum(tile_work(survey, frame.grid)) == pytest.approx(survey.work.sum() + 65_536 * (16 + PIXEL_WORK))


GRID = TileGrid(width=64, height=64, size=8)


def test_the_dearest_tile_goes_first_and_the_lower_index_of_two_equal_ones() -> None:
    work = [1.0] * 64
    work[40], work[7], work[9] = 5.0, 3.0, 3.0
    queue = TileQueue(GRID, work, range(64))
    assert [queue.take(0.0).tiles for _ in range(4)] == [(40,), (7,), (9,), (0,)]


def test_a_batch_has_about_the_work_asked_for() -> None:
    queue = TileQueue(GRID, [10.0] * 64, range(64))
    assert len(queue.take(30.0).tiles) == 3
    assert len(queue.take(34.0).tiles) == 3
    assert len(queue.take(36.0).tiles) == 4


def test_a_batch_does_not_grow_beyond_the_memory_for_its_pixels() -> None:
    grid = TileGrid(width=8192, height=1024, size=512)
    queue = TileQueue(grid, [1.0] * len(grid), range(len(grid)))
    assert len(queue.take(1e9).tiles) == MAX_PIXELS // 512**2


def test_a_tile_beyond_that_memory_goes_alone() -> None:
    grid = TileGrid(width=8192, height=4096, size=4096)
    queue = TileQueue(grid, [1.0] * len(grid), range(len(grid)))
    assert [queue.take(1e9).tiles for _ in range(2)] == [(0,), (1,)]


@given(
    work=st.lists(st.floats(0, 1e9), min_size=64, max_size=64),
    tiles=st.frozensets(st.integers(0, 63)),
    asked=st.floats(0, 1e9),
)
def test_every_tile_is_taken_once_and_the_work_left_is_theirs(
    work: list[float], tiles: frozenset[int], asked: float
) -> None:
    queue = TileQueue(GRID, work, tiles)
    taken: list[int] = []
    while queue:
        taken += queue.take(asked).tiles
        assert queue.left == pytest.approx(sum(work[tile] for tile in tiles - set(taken)), abs=1e-3)
    assert sorted(taken) == sorted(tiles)


def test_batches_get_smaller_toward_the_end_on_fast_and_slow_ranks() -> None:
    rates = Rates(2)
    rates.learn(0, work=4e8, seconds=1.0)
    rates.learn(1, work=1e8, seconds=1.0)
    much, little, nothing = (rates.next_work(0, left) for left in (1e12, 5e7, 1.0))
    assert much == pytest.approx(4e8 * LONGEST_S)
    assert SHORTEST_S < little / 4e8 < LONGEST_S
    assert nothing == pytest.approx(4e8 * SHORTEST_S)
    assert rates.next_work(1, 1e12) == pytest.approx(1e8 * LONGEST_S)


def test_a_rank_that_becomes_slower_gets_smaller_batches() -> None:
    rates = Rates(1)
    rates.learn(0, work=4e8, seconds=1.0)
    before = rates.next_work(0, 1e12)
    rates.learn(0, work=1e8, seconds=1.0)
    assert rates.next_work(0, 1e12) < before

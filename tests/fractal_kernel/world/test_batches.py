"""Which tiles a rank gets next, and how many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_api.tiling import TileGrid
from fractal_kernel.world.batches import LONGEST_S, MAX_PIXELS, SHORTEST_S, Rates, TileQueue

GRID = TileGrid(width=64, height=64, size=8)


def test_the_dearest_tile_goes_first_and_the_lower_index_of_two_equal_ones() -> None:
    work = np.ones(64)
    work[40], work[7], work[9] = 5.0, 3.0, 3.0
    queue = TileQueue(GRID, work, range(64))
    assert [queue.take(0.0).tiles for _ in range(4)] == [(40,), (7,), (9,), (0,)]


@given(
    work=st.lists(st.floats(0, 1e9) | st.sampled_from([0.0, 1.0, 2.0]), min_size=64, max_size=64),
    tiles=st.frozensets(st.integers(0, 63)),
)
def test_tiles_go_in_the_order_of_their_work_and_then_of_their_indices(
    work: list[float], tiles: frozenset[int]
) -> None:
    queue = TileQueue(GRID, np.array(work), tiles)
    taken = [queue.take(0.0) for _ in tiles]
    order = sorted(tiles, key=lambda tile: (-work[tile], tile))
    assert [batch.tiles for batch in taken] == [(tile,) for tile in order]
    assert [batch.work for batch in taken] == [work[tile] for tile in order]


def test_a_batch_has_about_the_work_asked_for() -> None:
    queue = TileQueue(GRID, np.full(64, 10.0), range(64))
    assert len(queue.take(30.0).tiles) == 3
    assert len(queue.take(34.0).tiles) == 3
    assert len(queue.take(36.0).tiles) == 4


def test_a_batch_does_not_grow_beyond_the_memory_for_its_pixels() -> None:
    grid = TileGrid(width=8192, height=1024, size=512)
    queue = TileQueue(grid, np.ones(len(grid)), range(len(grid)))
    assert len(queue.take(1e9).tiles) == MAX_PIXELS // 512**2


def test_a_tile_beyond_that_memory_goes_alone() -> None:
    grid = TileGrid(width=8192, height=4096, size=4096)
    queue = TileQueue(grid, np.ones(len(grid)), range(len(grid)))
    assert [queue.take(1e9).tiles for _ in range(2)] == [(0,), (1,)]


@given(
    work=st.lists(st.floats(0, 1e9), min_size=64, max_size=64),
    tiles=st.frozensets(st.integers(0, 63)),
    asked=st.floats(0, 1e9),
)
def test_every_tile_is_taken_once_and_the_work_left_is_theirs(
    work: list[float], tiles: frozenset[int], asked: float
) -> None:
    queue = TileQueue(GRID, np.array(work), tiles)
    taken: list[int] = []
    while queue:
        taken += queue.take(asked).tiles
        assert queue.left == pytest.approx(sum(work[tile] for tile in tiles - set(taken)), abs=1e-3)
    assert sorted(taken) == sorted(tiles)


def test_batches_get_smaller_toward_the_end_on_fast_and_slow_ranks() -> None:
    rates = Rates(2)
    rates.learn(0, work=4e8, seconds=1.0)
    rates.learn(1, work=1e8, seconds=1.0)
    much, little, nothing = (rates.next_work(0, left) for left in (1e12, 3e7, 1.0))
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

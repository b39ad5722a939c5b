"""How long a rank sleeps between two looks."""

import pytest

from fractal_kernel.world.pace import ALONE_S, BUSY_S, EXPECTING_S, IDLE_S, SHORTEST_S, Pace, State


def test_an_idle_rank_looks_less_and_less_often_until_it_hears_something() -> None:
    pace = Pace()
    sleeps = [pace.sleep_s(State.IDLE, moved=False, batch_s=0.0) for _ in range(20)]
    assert sleeps == sorted(sleeps)
    assert sleeps[-1] == IDLE_S
    assert pace.sleep_s(State.IDLE, moved=True, batch_s=0.0) < 2 * SHORTEST_S


@pytest.mark.parametrize(
    ("state", "batch_s", "longest_s"),
    [
        pytest.param(State.EXPECTING, 1.0, EXPECTING_S, id="somebody waits"),
        pytest.param(State.BUSY, 0.0, EXPECTING_S, id="tiny batches"),
        pytest.param(State.BUSY, 0.024, 0.008, id="a third of a batch"),
        pytest.param(State.BUSY, 60.0, BUSY_S, id="huge batches"),
        pytest.param(State.ALONE, 0.0, ALONE_S, id="no other rank"),
    ],
)
def test_the_longest_sleep_depends_on_what_is_waited_for(state: State, batch_s: float, longest_s: float) -> None:
    pace = Pace()
    sleeps = [pace.sleep_s(state, moved=False, batch_s=batch_s) for _ in range(20)]
    assert max(sleeps) == pytest.approx(longest_s)

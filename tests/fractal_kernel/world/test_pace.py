"""How long a rank sleeps between two looks."""

import pytest

from fractal_kernel.world.pace import BUSY_S, CALLED_S, EXPECTING_S, IDLE_S, SHORTEST_S, Pace, State


@pytest.mark.parametrize("state", [State.IDLE, State.EXPECTING, State.MOVING])
def test_a_rank_looks_less_and_less_often_until_it_finds_something(state: State) -> None:
    pace = Pace(called=False)
    sleeps = [pace.sleep_s(state, moved=False, batch_s=0.0) for _ in range(20)]
    assert sleeps == sorted(sleeps)
    assert sleeps[-1] > 5 * sleeps[0]
    assert pace.sleep_s(state, moved=True, batch_s=0.0) < 2 * SHORTEST_S


@pytest.mark.parametrize(
    ("called", "state", "batch_s", "longest_s"),
    [
        pytest.param(False, State.IDLE, 0.0, IDLE_S, id="between runs"),
        pytest.param(False, State.EXPECTING, 1.0, EXPECTING_S, id="somebody waits"),
        pytest.param(False, State.BUSY, 0.0, EXPECTING_S, id="tiny batches"),
        pytest.param(False, State.BUSY, 0.024, 0.008, id="a third of a batch"),
        pytest.param(False, State.BUSY, 60.0, BUSY_S, id="huge batches"),
        pytest.param(True, State.IDLE, 0.0, CALLED_S, id="woken by messages"),
        pytest.param(True, State.BUSY, 0.024, CALLED_S, id="woken by messages while it renders"),
        pytest.param(True, State.MOVING, 0.0, EXPECTING_S, id="a large message moves only when looked at"),
    ],
)
def test_the_longest_sleep_depends_on_what_is_waited_for(
    called: bool, state: State, batch_s: float, longest_s: float
) -> None:
    pace = Pace(called=called)
    sleeps = [pace.sleep_s(state, moved=False, batch_s=batch_s) for _ in range(20)]
    assert max(sleeps) == pytest.approx(longest_s)

"""How far a run is, by the work of its tiles."""

import pytest

from fractal_kernel.agent.pace import Pace
from fractal_kernel.agent.phases import Phase, RunView


def view(done: int) -> RunView:
    return RunView(id="a-1", digest="d", phase=Phase.RENDERING, done=done, total=10, losses=0)


def test_the_share_is_of_the_work_and_so_is_the_time_left() -> None:
    pace = Pace(0.0)
    pace.surveyed(view(0), 100.0, 1.0)
    pace.rendered(80.0)
    figures = pace.figures(view(2), 5.0)
    assert figures.share == pytest.approx(0.8)
    assert figures.eta_s == pytest.approx(1.0)
    assert figures.seconds == 5.0


def test_nothing_is_known_before_the_first_tile() -> None:
    pace = Pace(0.0)
    pace.surveyed(view(0), 100.0, 1.0)
    assert pace.figures(view(0), 5.0).eta_s is None


def test_what_was_stored_before_counts_by_tiles() -> None:
    pace = Pace(0.0)
    pace.surveyed(view(5), 100.0, 0.0)
    assert pace.figures(view(5), 1.0).share == 0.5
    pace.rendered(50.0)
    assert pace.figures(view(6), 1.0).share == pytest.approx(0.75)


def test_a_lost_world_does_not_turn_the_share_back() -> None:
    pace = Pace(0.0)
    pace.surveyed(view(0), 100.0, 0.0)
    pace.rendered(90.0)
    assert pace.figures(view(1), 1.0).share == pytest.approx(0.9)
    pace.surveyed(view(1), 10.0, 2.0)
    assert pace.figures(view(1), 2.0).share == pytest.approx(0.9)


def test_only_the_last_tile_makes_it_whole() -> None:
    pace = Pace(0.0)
    pace.surveyed(view(0), 100.0, 0.0)
    pace.rendered(100.0)
    assert pace.figures(view(9), 1.0).share < 1
    assert pace.figures(view(10), 1.0).share == 1.0

"""A Grid call and its watchers: it counts, it lets others run, and it ends when told to."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from support.grid_pictures import BUILT, definition, julia, point, view, whole

from fractal_kernel import coarse
from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape.control import Control, Stopped
from fractal_kernel.escape.grid import Grid
from fractal_kernel.escape.instructions import Instructions

DEADLINE_S = 20.0
SOON_S = 2.0
"""Far above the millisecond that is promised, since the machine may be busy; far below any of these pictures."""

MOST = 2**31 - 1

# A Siegel disc: an orbit goes round for ever at an irrational angle, and rounding does not bring it back soon.
ENDLESS = point(
    -0.1,
    -0.3,
    julia=True,
    julia_re=-0.390540870218400,
    julia_im=-0.586787907346969,
    max_iterations=MOST,
)
# Thousands of millions of samples that all escape at once: no loop of iterations ever runs long.
SHALLOW = definition(size=(4096, 4096), side=16, center_re=5000.0)
# Beside the neck at −3/4 a point at height y takes π/y iterations to escape: here each of them three millions.
NECK = definition(size=(256, 256), center_re=-0.75, center_im=1e-6, zoom=1e9)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the call did not get there in time"
        time.sleep(0.001)


def render(picture: GridDefinition, instructions: Instructions, control: Control) -> object:
    return Grid(picture, instructions).render([whole(picture)], control)


def counts(picture: GridDefinition, instructions: Instructions, control: Control) -> object:
    return Grid(picture, instructions).counts(whole(picture), control)


Call = Callable[[GridDefinition, Instructions, Control], object]
Start = Callable[[Callable[[], object]], Future[object]]


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def started(control: Control) -> Iterator[Start]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit
        control.stop()  # a failed test must not wait for a picture that takes hours


def stopped_soon(running: Future[object], control: Control) -> None:
    told = time.monotonic()
    control.stop()
    with pytest.raises(Stopped):
        running.result(timeout=DEADLINE_S)
    assert time.monotonic() - told < SOON_S


@pytest.mark.parametrize("instructions", BUILT)
@pytest.mark.parametrize("call", [render, counts])
def test_one_endless_pixel_counts_while_others_run_and_stops_when_told(
    control: Control, started: Start, call: Call, instructions: Instructions
) -> None:
    running = started(lambda: call(ENDLESS, instructions, control))
    wait_until(lambda: control.iterations > 0)
    before = control.iterations
    wait_until(lambda: control.iterations > before + 1_000_000)
    assert not running.done()
    stopped_soon(running, control)


@pytest.mark.parametrize("instructions", BUILT)
@pytest.mark.parametrize("call", [render, counts])
def test_samples_that_escape_at_once_are_stopped_too(
    control: Control, started: Start, call: Call, instructions: Instructions
) -> None:
    running = started(lambda: call(SHALLOW, instructions, control))
    wait_until(lambda: control.iterations > 0)
    stopped_soon(running, control)


@pytest.mark.parametrize("instructions", BUILT)
@pytest.mark.parametrize("call", [render, counts])
def test_samples_that_need_no_iteration_are_stopped_too(
    control: Control, started: Start, call: Call, instructions: Instructions
) -> None:
    beyond = dataclasses.replace(SHALLOW, julia=True, julia_re=1.0)
    running = started(lambda: call(beyond, instructions, control))
    wait_until(running.running)
    stopped_soon(running, control)


def test_a_round_of_a_survey_is_stopped_too(control: Control, started: Start) -> None:
    """A round alone, since a whole survey is over in a moment: it is cut off where it would take long."""
    samples = coarse.Samples(NECK)
    running = started(lambda: samples.advance(MOST, control))
    wait_until(lambda: control.iterations > 0)
    stopped_soon(running, control)
    with pytest.raises(Stopped):
        coarse.survey(NECK, control)


@pytest.mark.parametrize("call", [render, counts])
def test_a_control_that_was_stopped_before_renders_nothing(call: Call) -> None:
    control = Control()
    control.stop()
    began = time.monotonic()
    with pytest.raises(Stopped):
        call(ENDLESS, BUILT[-1], control)
    assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize("instructions", BUILT)
def test_iterations_are_counted_to_the_last(instructions: Instructions) -> None:
    picture = point(-0.75, 0.01, max_iterations=1000)  # escapes at n = 318
    control = Control()
    render(picture, instructions, control)
    assert control.iterations == 318
    counts(picture, instructions, control)
    assert control.iterations == 636


def test_a_repeat_ends_the_inside_long_before_two_thousand_million_iterations() -> None:
    picture = view("interior", (8, 8), max_iterations=MOST)
    control = Control()
    found = Grid(picture).counts(whole(picture), control)
    assert (found == -1).all()
    assert control.iterations < 64 * 10_000


@pytest.mark.parametrize(
    ("re", "im", "period"), [(0.0, 0.0, 1), (-1.0, 0.0, 2), (-0.125, 0.744, 3), (0.28, 0.53, 4), (-0.504, 0.563, 5)]
)
def test_an_attracting_cycle_is_found_whatever_its_period(re: float, im: float, period: int) -> None:
    picture = point(re, im, max_iterations=MOST)
    control = Control()
    assert Grid(picture).counts(whole(picture), control).item() == -1
    assert control.iterations < 2_000 * period


def test_the_inside_of_a_julia_set_is_found_too() -> None:
    picture = julia(-0.8, 0.1, size=(4, 4), zoom=8.0, max_iterations=MOST)
    control = Control()
    assert (Grid(picture).counts(whole(picture), control) == -1).all()
    assert control.iterations < 16 * 10_000

"""A Legacy render call and its watchers: it counts, it lets others run, and it ends when told to."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from support.legacy_pictures import definition, whole

from fractal_api.tiling import Rect
from fractal_kernel.definition import LegacyDefinition
from fractal_kernel.escape import legacy
from fractal_kernel.escape.control import Control, Stopped
from fractal_kernel.escape.instructions import Instructions, available

DEADLINE_S = 20.0
SOON_S = 2.0
"""Far above the millisecond that is promised, since the machine may be busy; far below any of these pictures."""

# A Siegel disc: an orbit goes round for ever at an irrational angle, and rounding does not bring it back to its mark
# soon.
ENDLESS = definition(
    size=(1, 1),
    julia=True,
    julia_re=-0.390540870218400,
    julia_im=-0.586787907346969,
    center_re=-0.1,
    center_im=-0.3,
    zoom=1e6,
    max_iterations=legacy.MAX_ITERATIONS,
)
# Hundreds of millions of samples that all escape at once: no loop of iterations ever runs long.
SHALLOW = definition(size=(1024, 1024), side=16, center_re=5.0, color_mode=8)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the render call did not get there in time"
        time.sleep(0.001)


Start = Callable[[Callable[[], object]], Future[object]]


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def started(control: Control) -> Iterator[Start]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit
        control.stop()  # a failed test must not wait for its picture


def render(picture: LegacyDefinition, control: Control, name: Instructions) -> object:
    return legacy.render(picture, [whole(picture)], control, name)


def counts(picture: LegacyDefinition, control: Control, name: Instructions) -> object:
    return legacy.counts(picture, whole(picture), control, name)


@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("call", [render, counts])
def test_one_endless_pixel_counts_while_others_run_and_stops_when_told(
    control: Control,
    started: Start,
    call: Callable[[LegacyDefinition, Control, Instructions], object],
    name: Instructions,
) -> None:
    running = started(lambda: call(ENDLESS, control, name))
    wait_until(lambda: control.iterations > 0)
    before = control.iterations
    wait_until(lambda: control.iterations > before + 1_000_000)
    assert not running.done()
    told = time.monotonic()
    control.stop()
    with pytest.raises(Stopped):
        running.result(timeout=DEADLINE_S)
    assert time.monotonic() - told < SOON_S


def test_samples_that_escape_at_once_are_stopped_too(control: Control, started: Start) -> None:
    running = started(lambda: render(SHALLOW, control, available()[-1]))
    wait_until(lambda: control.iterations > 0)
    told = time.monotonic()
    control.stop()
    with pytest.raises(Stopped):
        running.result(timeout=DEADLINE_S)
    assert time.monotonic() - told < SOON_S


def test_a_control_that_was_stopped_before_renders_nothing() -> None:
    control = Control()
    control.stop()
    began = time.monotonic()
    with pytest.raises(Stopped):
        render(ENDLESS, control, available()[-1])
    assert time.monotonic() - began < SOON_S


# Dust: every orbit escapes, and none is cut short by a repeat, which is found sooner or later with other neighbours.
DUST = definition(size=(30, 20), zoom=0.4, julia=True, julia_re=0.4, julia_im=0.4)


@pytest.mark.parametrize("name", available())
def test_calls_under_one_control_add_up_to_the_same_whatever_the_cut(name: Instructions) -> None:
    once, cut = Control(), Control()
    steps = legacy.counts(DUST, whole(DUST), once, name)
    assert once.iterations == steps.sum() > 0
    legacy.render(DUST, [Rect(0, 0, 7, 20), Rect(7, 0, 23, 9)], cut, name)
    legacy.render(DUST, [Rect(7, 9, 23, 11)], cut, name)
    assert cut.iterations == once.iterations

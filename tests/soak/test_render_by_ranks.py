"""`fractal render -n`: ranks in this process tree, and a picture that outlives every interruption."""

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from support.agent_process import Place, until
from support.held_ledger import HeldLedger
from support.joined_ledger import JoinedLedger
from support.render_process import RenderProcess
from support.truth import MANY_TILES, Truth, render_truth

from fractal_kernel.escape.instructions import Instructions, available

Render = Callable[..., RenderProcess]
SOON_S = 3.0
"""A second is promised; a busy machine may need three."""

FOR_SLOW_SETS: Final = MANY_TILES | {
    "fractal": MANY_TILES["fractal"] | {"maxIterations": 2_000},
    "image": {"width": 512, "height": 512, "blockSize": 16},
}
"""Less to do: the first set may call the C library for each step."""


@pytest.fixture
def render(place: Place, truth: Truth) -> Iterator[Render]:
    with ExitStack() as started:

        def start(*arguments: str, path: str | None = None, ledger: Path | None = None) -> RenderProcess:
            return started.enter_context(RenderProcess(place, truth, *arguments, path=path, ledger=ledger))

        yield start


def held_ledger(place: Place, truth: Truth) -> HeldLedger:
    """Under which a tenth of the tiles is rendered, and most are not before it is released."""
    return HeldLedger(place.root / "held", place.ledger, tiles=truth.tiles // 10)


def check_nothing_is_left(place: Place) -> None:
    until(lambda: not place.processes(), "no process is left")
    assert [path for root in place.temporary.iterdir() for path in root.iterdir()] == []
    assert place.leftovers() == [str(root) for root in place.temporary.iterdir()]


@pytest.mark.parametrize("ranks", [1, 3])
def test_ranks_write_the_same_file_as_threads(render: Render, place: Place, truth: Truth, ranks: int) -> None:
    process = render("-n", str(ranks))
    assert process.wait() == 0
    assert process.errors == ""
    assert process.picture.read_bytes() == truth.image
    assert process.unfinished == []
    check_nothing_is_left(place)


@pytest.mark.parametrize(
    ("number", "code"),
    [pytest.param(signal.SIGINT, 130, id="Ctrl-C"), pytest.param(signal.SIGTERM, 143, id="SIGTERM")],
)
def test_an_interrupted_picture_goes_on_when_called_again(
    render: Render, place: Place, truth: Truth, number: signal.Signals, code: int
) -> None:
    with held_ledger(place, truth) as held:
        first = render("-n", "2", ledger=held.path)
        held.wait()
        first.send(number)
        held.release()
        start = time.monotonic()
        assert first.wait() == code
        assert time.monotonic() - start < SOON_S
    assert first.errors.strip() == ""  # a line break after the terminal's ^C
    assert not first.picture.exists()
    check_nothing_is_left(place)
    second = render("-n", "2")
    assert second.wait() == 0
    ledger = JoinedLedger(place.ledger)
    assert second.errors.startswith("fractal: resuming: ")
    assert second.errors.endswith(f" of {truth.tiles} tiles\n")
    assert second.picture.read_bytes() == truth.image
    assert ledger.rendered_after_acknowledged() == []
    assert second.unfinished == []


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(first, then, id=f"{first}, then {then}")
        for first, then in pairwise([*available(), available()[0]])
        if first is not then
    ],
)
def test_a_picture_begun_under_one_instruction_set_goes_on_under_another(
    place: Place, first: Instructions, then: Instructions
) -> None:
    truth = render_truth(FOR_SLOW_SETS)
    with (
        held_ledger(place, truth) as held,
        RenderProcess(place, truth, "-n", "2", instructions=first, ledger=held.path) as begun,
    ):
        held.wait()
        begun.send(signal.SIGINT)
        held.release()
        assert begun.wait() == 130
    with RenderProcess(place, truth, "-n", "2", instructions=then) as rest:
        assert rest.wait() == 0
    assert rest.errors.count("fractal: resuming: ") == 1
    assert rest.picture.read_bytes() == truth.image
    assert JoinedLedger(place.ledger).rendered_after_acknowledged() == []


def test_a_killed_rendering_goes_on_and_what_it_left_is_swept(render: Render, place: Place, truth: Truth) -> None:
    with held_ledger(place, truth) as held:
        first = render("-n", "2", ledger=held.path)
        held.wait()
        first.send(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
        until(lambda: not place.processes(), "the ranks die with it", deadline_s=30)
    second = render("-n", "3")
    assert second.wait() == 0
    assert "resuming: " in second.errors
    assert second.picture.read_bytes() == truth.image
    assert JoinedLedger(place.ledger).rendered_after_acknowledged() == []
    check_nothing_is_left(place)


def test_a_second_rendering_of_the_same_picture_at_once_says_so(render: Render, place: Place, truth: Truth) -> None:
    with held_ledger(place, truth) as held:
        first = render("-n", "2", ledger=held.path)
        held.wait()
        second = render("-n", "2")
        assert second.wait() == 1
        assert second.errors.startswith("fractal: this picture is being rendered already: process ")
        held.release()
        assert first.wait() == 0
    assert first.picture.read_bytes() == truth.image


@pytest.fixture
def mpirun_from_path() -> None:
    """`make dev` sees to it that there is no other."""
    if shutil.which("mpirun", path=str(Path(sys.executable).parent)):
        pytest.skip("there is an mpirun beside this Python, which is found without PATH")


@pytest.mark.usefixtures("mpirun_from_path")
def test_without_an_open_mpi_one_process_renders_and_says_so_once(render: Render, tmp_path: Path, truth: Truth) -> None:
    process = render("-n", "2", path=str(tmp_path))
    assert process.wait() == 0
    (line,) = process.errors.splitlines()
    assert line.startswith("fractal: there is no Open MPI here, so one process renders")
    assert line.endswith("pip install 'clusteredfractals[mpi]' brings one, without root")
    assert process.picture.read_bytes() == truth.image
    assert process.unfinished == []


@pytest.mark.usefixtures("mpirun_from_path")
def test_an_mpirun_that_does_not_work_is_told_of(render: Render, tmp_path: Path) -> None:
    broken = tmp_path / "mpirun"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "mpirun (Open MPI) 4.1.4" && exit\necho no; exit 3\n')
    broken.chmod(0o755)
    process = render("-n", "2", path=f"{tmp_path}:/usr/bin:/bin")
    assert process.wait() == 1
    assert "mpirun ended with code 3; its last words: no" in process.errors

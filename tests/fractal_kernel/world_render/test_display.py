"""What a person sees while ranks render."""

import pytest

from fractal_kernel.agent import notices as n
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.wire import Beat, Tiles
from fractal_kernel.world_render.display import Display


def view(phase: Phase = Phase.RENDERING) -> RunView:
    return RunView(id="a-1", digest="d", phase=phase, done=3, total=12, losses=0)


def up(ranks: int) -> n.WorldUp:
    return n.WorldUp(epoch=7, hosts=("here",) * ranks, pids=tuple(range(ranks)))


def came(rank: int, tiles: int = 1) -> n.TilesCame:
    blobs = tuple((index, b"") for index in range(tiles))
    return n.TilesCame(batch=Tiles(run="a-1", rank=rank, iterations=100 * tiles, seconds=1.0, work=1.0, tiles=blobs))


SURVEYED = n.Surveyed(run="a-1", max_iterations=7)
DOWN = n.WorldDown(epoch=7, cause="WorldDied", message="x")


@pytest.mark.parametrize(
    ("notices", "phase", "stage"),
    [
        pytest.param([], Phase.QUEUED, "starting the ranks", id="no world yet"),
        pytest.param([up(2)], Phase.RENDERING, "surveying", id="coarse pass"),
        pytest.param([up(2), SURVEYED], Phase.RENDERING, "3 of 12 tiles, by rank 0 0", id="surveyed"),
        pytest.param(
            [up(3), SURVEYED, came(0, 2), came(2)], Phase.RENDERING, "3 of 12 tiles, by rank 2 0 1", id="tiles"
        ),
        pytest.param(
            [up(9), SURVEYED, *map(came, range(9)), came(4)],
            Phase.RENDERING,
            "3 of 12 tiles, 1 to 2 by each of 9 ranks",
            id="many ranks",
        ),
        pytest.param([up(2), SURVEYED], Phase.ASSEMBLING, "writing the picture", id="assembling"),
        pytest.param([up(2), SURVEYED, DOWN], Phase.QUEUED, "starting the ranks again", id="a lost world"),
        pytest.param(
            [up(2), n.Waiting(what="tiles", message="the disk is full")],
            Phase.RENDERING,
            "waiting: the disk is full",
            id="a store in trouble",
        ),
        pytest.param(
            [up(2), n.Waiting(what="tiles", message="x"), n.Waiting(what="tiles", message="")],
            Phase.RENDERING,
            "surveying",
            id="trouble that has ended",
        ),
    ],
)
def test_the_stage_tells_what_is_going_on(notices: list[n.Notice], phase: Phase, stage: str) -> None:
    display = Display()
    for notice in notices:
        display(notice)
    assert display.progress(view(phase)).stage == stage


def test_iterations_are_counted_by_tiles_and_by_beats_whichever_know_more() -> None:
    now = [10.0]
    display = Display(clock=lambda: now[0])
    display(n.WorldBeat(epoch=7, beats=[Beat(rank=0, iterations=500, batches=0, busy=True, silent_s=0.0)]))
    now[0] = 12.0
    assert display.progress(view()).rate == 250.0
    display(came(0, 3))
    assert display.progress(view()).iterations == 500
    display(came(0, 3))
    assert display.progress(view()).iterations == 600


def test_share_and_time_left_are_those_of_the_run() -> None:
    display = Display()
    display(n.Progressed(run=view(), figures=n.Figures(share=0.5, seconds=1.0, eta_s=2.0)))
    progress = display.progress(view())
    assert (progress.share, progress.eta_s) == (0.5, 2.0)

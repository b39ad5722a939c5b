"""What an agent says of itself, line by line."""

import pytest

from fractal_api import events as e
from fractal_api.storage import ResultRecord
from fractal_kernel.agent import notices as n
from fractal_kernel.agent.event_lines import EventLines
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.wire import Beat, Tiles

RESULT = ResultRecord(
    sha256="a" * 64,
    pixels_sha256="b" * 64,
    bytes=10,
    chunks=1,
    chunk_bytes=1 << 20,
    attempt=1,
    width=4,
    height=3,
    seconds=1.5,
    max_iterations=7,
    picture_version=1,
)


class Log:
    """Event lines, decoded again, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[e.Event | None] = []
        self.lines = EventLines(lambda line: self.events.append(e.decode(line)), clock=lambda: self.now)


@pytest.fixture
def log() -> Log:
    return Log()


def view(phase: Phase, *, done: int = 3, reason: str = "", message: str = "") -> RunView:
    result = RESULT if phase is Phase.COMPLETE else None
    return RunView(
        id="a-1", digest="d", phase=phase, done=done, total=12, losses=0, reason=reason, message=message, result=result
    )


COMPLETED = e.Completed(
    run="a-1",
    sha256="a" * 64,
    pixels_sha256="b" * 64,
    bytes=10,
    width=4,
    height=3,
    seconds=1.5,
    max_iterations=7,
)


@pytest.mark.parametrize(
    ("notice", "event"),
    [
        pytest.param(
            n.WorldUp(epoch=7, hosts=("a", "b", "a"), pids=(1, 2, 3)), e.Ready(epoch=7, ranks=3, hosts=2), id="ready"
        ),
        pytest.param(
            n.WorldDown(epoch=7, cause="WorldHung", message="rank 1 is silent"),
            e.Lost(epoch=7, cause="WorldHung", message="rank 1 is silent"),
            id="lost",
        ),
        pytest.param(
            n.WorldBeat(
                epoch=7,
                beats=[
                    Beat(rank=0, iterations=5, batches=1, busy=True, silent_s=0.0),
                    Beat(rank=1, iterations=6, batches=1, busy=False, silent_s=1.0),
                ],
            ),
            e.Heartbeat(epoch=7, ranks=2, busy=1, iterations=11),
            id="heartbeat",
        ),
        pytest.param(
            n.PhaseChanged(run=view(Phase.RENDERING), figures=n.Figures(), epoch=7),
            e.Started(run="a-1", epoch=7, tiles_done=3, tiles_total=12),
            id="started",
        ),
        pytest.param(
            n.Surveyed(run="a-1", max_iterations=7),
            e.Surveyed(run="a-1", max_iterations=7),
            id="surveyed",
        ),
        pytest.param(
            n.Retried(run=view(Phase.QUEUED), cause="WorldDied", message="x"),
            e.Retried(run="a-1", cause="WorldDied", message="x"),
            id="retried",
        ),
        pytest.param(
            n.HeldUp(run=view(Phase.RENDERING), held_up=True), e.Backpressure(run="a-1", held_up=True), id="held up"
        ),
        pytest.param(
            n.PhaseChanged(run=view(Phase.ASSEMBLING), figures=n.Figures(seconds=2.5), epoch=7),
            e.Rendered(run="a-1", seconds=2.5),
            id="rendered",
        ),
        pytest.param(n.PhaseChanged(run=view(Phase.COMPLETE), figures=n.Figures(), epoch=7), COMPLETED, id="completed"),
        pytest.param(
            n.PhaseChanged(run=view(Phase.FAILED, reason="StoreAway", message="x"), figures=n.Figures(), epoch=7),
            e.Failed(run="a-1", reason="StoreAway", message="x"),
            id="failed",
        ),
        pytest.param(
            n.PhaseChanged(run=view(Phase.CANCELLED), figures=n.Figures(), epoch=7),
            e.Cancelled(run="a-1"),
            id="cancelled",
        ),
        pytest.param(
            n.PhaseChanged(run=view(Phase.CANCELLED, reason="RunConflict", message="x"), figures=n.Figures(), epoch=7),
            e.Cancelled(run="a-1", message="x"),
            id="superseded",
        ),
        pytest.param(
            n.PhaseChanged(run=view(Phase.INTERRUPTED), figures=n.Figures(), epoch=7),
            e.Interrupted(run="a-1", message="the agent ends; 3 of 12 tiles are stored"),
            id="interrupted",
        ),
    ],
)
def test_what_happens_is_told_in_one_line(log: Log, notice: n.Notice, event: e.Event) -> None:
    log.lines(notice)
    assert log.events == [event]


@pytest.mark.parametrize(
    "notice",
    [
        pytest.param(
            n.TilesCame(batch=Tiles(run="a-1", rank=0, iterations=1, seconds=0.1, work=1.0, tiles=())), id="tiles"
        ),
        pytest.param(n.SpoolChanged(held=5), id="spool"),
        pytest.param(n.Said(line="x"), id="a rank's line"),
        pytest.param(n.PhaseChanged(run=view(Phase.QUEUED), figures=n.Figures(), epoch=7), id="queued"),
    ],
)
def test_what_is_no_event_is_not_told(log: Log, notice: n.Notice) -> None:
    log.lines(notice)
    assert log.events == []


def test_there_are_at_most_ten_progress_lines_a_second(log: Log) -> None:
    for done in range(1000):
        log.now = done / 100
        figures = n.Figures(share=done / 1000, eta_s=1.25)
        log.lines(n.Progressed(run=view(Phase.RENDERING, done=done), figures=figures))
    assert 95 <= len(log.events) <= 100
    assert log.events[0] == e.Progress(run="a-1", percent=0, tiles_done=0, tiles_total=12, eta_seconds=1.2)


def test_a_wait_is_told_when_its_reason_changes_and_when_it_ends(log: Log) -> None:
    for message in ("", "no answer", "no answer", "full", "", ""):
        log.lines(n.Waiting(what="tiles", message=message))
    assert log.events == [e.Waiting(what="tiles", message=message) for message in ("no answer", "full", "")]

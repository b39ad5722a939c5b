"""Event lines: what happens, for the observer and for people who read the agent's log."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fractal_api import events as e
from fractal_kernel.agent import notices as n
from fractal_kernel.agent.phases import Phase

if TYPE_CHECKING:
    from fractal_api.storage import ResultRecord

PROGRESS_EVERY_S: Final = 0.1
"""At most ten progress lines a second, however many tiles."""


class EventLines:
    """Writes a line for each notice that is an event. `write` takes a line without its end."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._progress_at = float("-inf")
        self._waiting: dict[str, str] = {}

    def __call__(self, notice: n.Notice) -> None:
        """Write it down, if it is an event that is worth a line."""
        event = self._event(notice)
        if event is not None:
            self._write(e.encode(event))

    def _event(self, notice: n.Notice) -> e.Event | None:
        match notice:
            case n.Progressed():
                return self._progress(notice)
            case n.Waiting():
                return self._wait(notice)
            case n.PhaseChanged():
                return _ended(notice) if notice.run.ended else _phase(notice)
            case n.WorldUp() | n.WorldDown() | n.WorldBeat():
                return _world(notice)
            case _:
                return _run(notice)

    def _progress(self, notice: n.Progressed) -> e.Event | None:
        now = self._clock()
        if now - self._progress_at < PROGRESS_EVERY_S:
            return None
        self._progress_at = now
        return e.Progress(
            run=notice.run.id,
            percent=int(100 * notice.figures.share),
            tiles_done=notice.run.done,
            tiles_total=notice.run.total,
            eta_seconds=None if notice.figures.eta_s is None else round(notice.figures.eta_s, 1),
        )

    def _wait(self, notice: n.Waiting) -> e.Event | None:
        """A line when the reason is another one than before."""
        if self._waiting.get(notice.what, "") == notice.message:
            return None
        self._waiting[notice.what] = notice.message
        return e.Waiting(what=notice.what, message=notice.message)


def _run(notice: n.Notice) -> e.Event | None:
    match notice:
        case n.Surveyed():
            return e.Surveyed(run=notice.run, max_iterations=notice.max_iterations)
        case n.Retried():
            return e.Retried(run=notice.run.id, cause=notice.cause, message=notice.message)
        case n.HeldUp():
            return e.Backpressure(run=notice.run.id, held_up=notice.held_up)
        case _:
            return None


def _world(notice: n.WorldUp | n.WorldDown | n.WorldBeat) -> e.Event:
    match notice:
        case n.WorldUp():
            return e.Ready(epoch=notice.epoch, ranks=len(notice.hosts), hosts=len(set(notice.hosts)))
        case n.WorldDown():
            return e.Lost(epoch=notice.epoch, cause=notice.cause, message=notice.message)
        case n.WorldBeat():
            return e.Heartbeat(
                epoch=notice.epoch,
                ranks=len(notice.beats),
                busy=sum(beat.busy for beat in notice.beats),
                iterations=sum(beat.iterations for beat in notice.beats),
            )


def _phase(notice: n.PhaseChanged) -> e.Event | None:
    run = notice.run
    match run.phase:
        case Phase.RENDERING:
            return e.Started(run=run.id, epoch=notice.epoch, tiles_done=run.done, tiles_total=run.total)
        case Phase.ASSEMBLING:
            return e.Rendered(run=run.id, seconds=round(notice.figures.seconds, 3))
        case _:
            return None


def _ended(notice: n.PhaseChanged) -> e.Event | None:
    run = notice.run
    match run.phase:
        case Phase.COMPLETE if run.result is not None:
            return _completed(run.id, run.result)
        case Phase.FAILED:
            return e.Failed(run=run.id, reason=run.reason, message=run.message)
        case Phase.CANCELLED:
            return e.Cancelled(run=run.id, message=run.message or None)
        case Phase.INTERRUPTED:
            return e.Interrupted(run=run.id, message=f"the agent ends; {run.done} of {run.total} tiles are stored")
        case _:
            return None


def _completed(run: str, result: "ResultRecord") -> e.Event:
    return e.Completed(
        run=run,
        sha256=result.sha256,
        pixels_sha256=result.pixels_sha256,
        bytes=result.bytes,
        width=result.width,
        height=result.height,
        seconds=result.seconds,
        max_iterations=result.max_iterations,
    )

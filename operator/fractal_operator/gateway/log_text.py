"""Lines of a world's log about one job, for people and for programs."""

import json
from dataclasses import dataclass
from typing import assert_never

from fractal_api import events as e


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line about a run, and when it was written (RFC 3339, as the kubelet says it)."""

    time: str
    event: e.RunEvent
    text: str

    @property
    def ends_the_run(self) -> bool:
        """Whether nothing more is said about this run."""
        return isinstance(self.event, e.Completed | e.Failed | e.Cancelled | e.Interrupted)


def parse_line(line: bytes, uid: str) -> LogLine | None:
    """The line of a log with timestamps, if it is about a run of the job with that uid."""
    time, _, text = line.decode(errors="replace").partition(" ")
    event = e.decode(text)
    if not isinstance(event, e.RunEvent) or event.run.rpartition("-")[0] != uid:
        return None
    return LogLine(time=time, event=event, text=text)


def as_json(line: LogLine) -> str:
    """The line for programs: the event as the agent wrote it, with its time and tag."""
    body = json.loads(line.text[line.text.index("{") :])
    return json.dumps({"time": line.time, "tag": line.event.tag, **body}, separators=(",", ":"), ensure_ascii=False)


def as_text(line: LogLine) -> str:
    """The line for people."""
    words = " ".join(_words(line.event).split())
    attempt = line.event.run.rpartition("-")[2]
    return f"{_second(line.time)} {line.event.tag} attempt {attempt}: {words}"


def _second(time: str) -> str:
    """The time to the millisecond."""
    second, _, fraction = time.removesuffix("Z").partition(".")
    return f"{second}.{fraction[:3]:0<3}Z"


def _words(event: e.RunEvent) -> str:  # noqa: C901, PLR0911, PLR0912 - a line each, and no logic
    match event:
        case e.Started():
            return f"the world begins; {event.tiles_done:,} of {event.tiles_total:,} tiles were there already"
        case e.Surveyed():
            return f"{event.max_iterations:,} iterations"
        case e.Progress():
            left = "" if event.eta_seconds is None else f", {event.eta_seconds:g} s left"
            return f"{event.percent} %, {event.tiles_done:,} of {event.tiles_total:,} tiles{left}"
        case e.Retried():
            return f"goes on after a loss ({event.cause}): {event.message}"
        case e.Backpressure(held_up=True):
            return "the store holds up the run"
        case e.Backpressure():
            return "the store takes tiles again"
        case e.Rendered():
            return f"every tile is stored after {event.seconds:g} s; the picture is put together"
        case e.Completed():
            size = f"{event.width:,}×{event.height:,} pixels, {event.bytes:,} bytes"
            return f"complete: {size}, {event.seconds:g} s, sha256 {event.sha256}"
        case e.Failed():
            return f"failed ({event.reason}): {event.message}"
        case e.Cancelled():
            return f"taken back: {event.message}" if event.message else "taken back"
        case e.Interrupted():
            return f"interrupted: {event.message}"
        case e.RunEvent():
            return event.name
        case _:
            assert_never(event)

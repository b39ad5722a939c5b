"""Event lines: what an agent says of its world and its runs on standard output, one JSON object a line behind a tag.

    [STATUS] {"v":1,"run":"6e4b…-1","event":"progress","percent":40,"tilesDone":96,"tilesTotal":240,"etaSeconds":3.5}

People grep the tag, and programs parse the rest. The events are a closed set; lines are the fast path and never the
truth, so whatever isn't understood is passed over. No pydantic here.
"""

import dataclasses
import json
import re
import types
import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

EVENT_VERSION: Final = 1

MAX_LINE: Final = 65_536
"""Characters of a line that is looked at; ours stay under the 16 KiB at which container runtimes cut a line."""

MAX_MESSAGE: Final = 1000
MAX_TEXT: Final = 300
"""Characters that `encode` keeps of a message, and of any other text."""

_MAX_NUMBER: Final = 2**63


class Tag(StrEnum):
    """What kind of line it is, for people."""

    TASK = "[TASK]"
    STATUS = "[STATUS]"
    SUCCESS = "[SUCCESS]"
    ERROR = "[ERROR]"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldEvent:
    """Something about a world as a whole."""

    name: ClassVar[str]
    tag: ClassVar[Tag]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """Something about one run; `run` is `<uid>-<attempt>`."""

    name: ClassVar[str]
    tag: ClassVar[Tag]
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(WorldEvent):
    """The agent waits, for its peers or its store; an empty message ends the wait."""

    name = "waiting"
    tag = Tag.TASK
    what: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(WorldEvent):
    """A world answers, with so many ranks on so many hosts."""

    name = "ready"
    tag = Tag.TASK
    epoch: int
    ranks: int
    hosts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(WorldEvent):
    """The world is gone, or never came; another one will be tried. `cause` is one word."""

    name = "lost"
    tag = Tag.ERROR
    epoch: int
    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(WorldEvent):
    """The world lives: how many ranks were heard from, how many render, and the iterations that all have done."""

    name = "heartbeat"
    tag = Tag.STATUS
    epoch: int
    ranks: int
    busy: int
    iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(RunEvent):
    """The world has the run; the store had `tiles_done` of its tiles already."""

    name = "started"
    tag = Tag.TASK
    epoch: int
    tiles_done: int
    tiles_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed(RunEvent):
    """The coarse pass is done, and the number of iterations decided."""

    name = "surveyed"
    tag = Tag.STATUS
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(RunEvent):
    """The store has acknowledged so many tiles; percent is of the work, not of the tiles."""

    name = "progress"
    tag = Tag.STATUS
    percent: int
    tiles_done: int
    tiles_total: int
    eta_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried(RunEvent):
    """The run goes on after a loss; `cause` is one word."""

    name = "retried"
    tag = Tag.STATUS
    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backpressure(RunEvent):
    """The store holds up the run, or no longer does."""

    name = "backpressure"
    tag = Tag.STATUS
    held_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered(RunEvent):
    """Every tile is in the store; the image is being put together."""

    name = "rendered"
    tag = Tag.STATUS
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed(RunEvent):
    """The image is in the store, read back and proved."""

    name = "completed"
    tag = Tag.SUCCESS
    sha256: str
    pixels_sha256: str
    bytes: int
    width: int
    height: int
    seconds: float
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(RunEvent):
    """The run has failed; `reason` is one word for programs, `message` a sentence for people."""

    name = "failed"
    tag = Tag.ERROR
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(RunEvent):
    """The run was taken back; `message` says why when nobody asked for it, as when a newer attempt was begun."""

    name = "cancelled"
    tag = Tag.STATUS
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(RunEvent):
    """The agent ends and leaves the run unfinished; that counts as no failure."""

    name = "interrupted"
    tag = Tag.STATUS
    message: str


Event = (
    Waiting
    | Ready
    | Lost
    | Heartbeat
    | Started
    | Surveyed
    | Progress
    | Retried
    | Backpressure
    | Rendered
    | Completed
    | Failed
    | Cancelled
    | Interrupted
)

EVENTS: Final[dict[str, type[Event]]] = {kind.name: kind for kind in typing.get_args(Event)}
"""Every event, by its name."""

_LINE: Final = re.compile(r"(\[(?:TASK|STATUS|SUCCESS|ERROR)\]):? *(\{.*\})\s*", re.DOTALL)


def encode(event: Event) -> str:
    """The event's line, without a line break; long texts are cut. ValueError when a number isn't finite."""
    values = {name: getattr(event, field) for field, name in _names(type(event)).items()}
    run = {"run": values.pop("run")} if "run" in values else {}
    said = {name: _cut(name, value) for name, value in values.items() if value is not None}
    body = {"v": EVENT_VERSION, **run, "event": event.name, **said}
    return f"{event.tag} {json.dumps(body, separators=(',', ':'), allow_nan=False)}"


def decode(line: str | bytes) -> Event | None:
    """The event of a line, or None for any other line; it never raises.

    A tag may have the colon behind it that the earlier system wrote. Fields that this version doesn't know are ignored.
    """
    text = line.decode(errors="replace") if isinstance(line, bytes) else line
    match = _LINE.fullmatch(text) if len(text) <= MAX_LINE else None
    if match is None:
        return None
    try:
        body = json.loads(match[2])
    except (ValueError, RecursionError):
        return None
    kind = EVENTS.get(body["event"]) if body.get("v") == EVENT_VERSION and isinstance(body.get("event"), str) else None
    return _event(kind, body) if kind is not None and kind.tag == match[1] else None


def _event(kind: type[Event], body: dict[str, Any]) -> Event | None:
    """The event with these values; None when one is missing or of another type."""
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        value: Any = body.get(_camel(field.name))
        if not _fits(field.type, value):
            return None
        fields[field.name] = float(value) if field.type is float else value
    return kind(**fields)


def _fits(wanted: object, value: object) -> bool:
    """Whether a JSON value is one of the wanted type; numbers count things or seconds, and are never negative."""
    if isinstance(wanted, types.UnionType):
        return any(_fits(part, value) for part in typing.get_args(wanted))
    if wanted is types.NoneType:
        return value is None
    if isinstance(value, bool) or wanted is bool:
        return wanted is bool and isinstance(value, bool)
    if wanted is str:
        return isinstance(value, str)
    # Neither NaN nor an infinity lies in this range.
    return isinstance(value, int if wanted is int else (int, float)) and 0 <= value < _MAX_NUMBER


def _cut(name: str, value: Any) -> Any:  # noqa: ANN401 - the value of any field
    if not isinstance(value, str):
        return value
    return value[: MAX_MESSAGE if name == "message" else MAX_TEXT]


def _names(kind: type[Event]) -> dict[str, str]:
    """The names of an event's fields, with those in the line."""
    return {field.name: _camel(field.name) for field in dataclasses.fields(kind)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)

"""Messages from whatever bytes arrived: an incremental decoder for each direction.

The peer is our own program, but a header is checked all the same: a mistake shows here, as a WireError, and not as a
wrong picture.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

from fractal_kernel.definition import from_json
from fractal_kernel.wire.encoding import MAX_BODY, MAX_HEADER, PREFIX, WireError
from fractal_kernel.wire.messages import (
    Beat,
    Blob,
    Cancel,
    Cancelled,
    Failed,
    Heartbeat,
    Pause,
    Ready,
    Rendered,
    Resume,
    Run,
    Started,
    Stop,
    Surveyed,
    Tiles,
    ToAgent,
    ToWorld,
)

M = TypeVar("M", ToWorld, ToAgent)
T = TypeVar("T")
Reader = Callable[["Header", memoryview], M]


class Header:
    """The fields of a header, each read once with the type it must have."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """A string."""
        return _typed(self._fields[name], str)

    def integer(self, name: str) -> int:
        """An integer, which a boolean is not."""
        return _typed(self._fields[name], int)

    def real(self, name: str) -> float:
        """A number."""
        return _real(self._fields[name])

    def texts(self, name: str) -> tuple[str, ...]:
        """Strings."""
        return tuple(_typed(value, str) for value in _typed(self._fields[name], list))

    def integers(self, name: str) -> tuple[int, ...]:
        """Integers."""
        return tuple(_typed(value, int) for value in _typed(self._fields[name], list))

    def rows(self, name: str) -> list[list[Any]]:
        """Rows of values, which the caller checks."""
        return [_typed(value, list) for value in _typed(self._fields[name], list)]

    def optional_integer(self, name: str) -> int | None:
        """An integer or null."""
        return None if self._fields[name] is None else self.integer(name)

    def mapping(self, name: str) -> dict[str, Any]:
        """A JSON object, which the caller checks."""
        return _typed(self._fields[name], dict)

    def bits(self, name: str) -> frozenset[int]:
        """The set of numbers that a bitmap (base64, lowest bit first) stands for."""
        packed = base64.b64decode(self.text(name), validate=True)
        return frozenset(8 * at + bit for at, byte in enumerate(packed) for bit in range(8) if byte >> bit & 1)


def _typed(value: object, kind: type[T]) -> T:
    if type(value) is not kind:  # exactly: a JSON true is no number
        raise TypeError(f"{value!r} should be of type {kind.__name__}")
    return value


def _real(value: object) -> float:
    return float(value) if type(value) is int else _typed(value, float)


def _cut(body: memoryview, lengths: Iterable[int]) -> tuple[memoryview, ...]:
    """The body in pieces of these lengths, which must be all of it."""
    pieces, start = [], 0
    for length in lengths:
        if length < 0:
            raise ValueError(f"a part of {length} bytes")
        pieces.append(body[start : start + length])
        start += length
    if start != len(body):
        raise ValueError(f"parts of {start} bytes in a body of {len(body)}")
    return tuple(pieces)


def _run(header: Header, _: memoryview) -> Run:
    return Run(
        run=header.text("run"),
        definition=from_json(header.mapping("definition")),
        acknowledged=header.bits("acknowledged"),
        max_iterations=header.optional_integer("maxIterations"),
    )


def _ready(header: Header, _: memoryview) -> Ready:
    return Ready(epoch=header.integer("epoch"), hosts=header.texts("hosts"), pids=header.integers("pids"))


def _surveyed(header: Header, _: memoryview) -> Surveyed:
    return Surveyed(
        run=header.text("run"),
        max_iterations=header.integer("maxIterations"),
        work=header.real("work"),
        tiles=header.integer("tiles"),
    )


def _tiles(header: Header, body: memoryview) -> Tiles:
    indices, blobs = header.integers("indices"), _cut(body, header.integers("lengths"))
    return Tiles(
        run=header.text("run"),
        rank=header.integer("rank"),
        iterations=header.integer("iterations"),
        seconds=header.real("seconds"),
        work=header.real("work"),
        tiles=tuple(zip(indices, blobs, strict=True)),
    )


def _heartbeat(header: Header, _: memoryview) -> Heartbeat:
    return Heartbeat(
        ranks=tuple(
            Beat(
                rank=_typed(rank, int),
                iterations=_typed(iterations, int),
                batches=_typed(batches, int),
                busy=_typed(busy, bool),
                silent_s=_real(silent_s),
            )
            for rank, iterations, batches, busy, silent_s in header.rows("ranks")
        )
    )


TO_WORLD: Final[Mapping[str, Reader[ToWorld]]] = {
    "Run": _run,
    "Cancel": lambda header, _: Cancel(run=header.text("run")),
    "Pause": lambda *_: Pause(),
    "Resume": lambda *_: Resume(),
    "Stop": lambda *_: Stop(),
}

TO_AGENT: Final[Mapping[str, Reader[ToAgent]]] = {
    "Ready": _ready,
    "Started": lambda header, _: Started(run=header.text("run")),
    "Surveyed": _surveyed,
    "Tiles": _tiles,
    "Rendered": lambda header, _: Rendered(run=header.text("run")),
    "Cancelled": lambda header, _: Cancelled(run=header.text("run")),
    "Failed": lambda header, _: Failed(run=header.text("run"), reason=header.text("reason")),
    "Heartbeat": _heartbeat,
}


class Decoder(Generic[M]):
    """The messages of one direction, from bytes in pieces of any size.

    It holds at most one frame: the bytes of a body go straight into the memory that its message will show.
    """

    __slots__ = ("_filled", "_part", "_readers", "_step")

    def __init__(self, readers: Mapping[str, Reader[M]]) -> None:
        self._readers: Mapping[str, Reader[M]] = readers
        self._expect_prefix()

    @property
    def idle(self) -> bool:
        """Whether the stream stands between two frames: where it may end without loss."""
        return self._step == self._take_prefix and not self._filled

    def feed(self, data: Blob | bytearray) -> list[M]:
        """The messages that these bytes complete; WireError when they are none, after which nothing may be fed."""
        rest = memoryview(data)
        messages: list[M] = []
        while True:
            piece = rest[: len(self._part) - self._filled]
            self._part[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            rest = rest[len(piece) :]
            if self._filled < len(self._part):
                return messages
            messages.extend(self._step(self._part))

    def _expect(self, length: int, step: Callable[[bytearray], Iterable[M]]) -> None:
        """Fill a new part of that many bytes, then take the step with it."""
        self._part = bytearray(length)
        self._filled = 0
        self._step: Callable[[bytearray], Iterable[M]] = step

    def _expect_prefix(self) -> None:
        self._expect(PREFIX.size, self._take_prefix)

    def _take_prefix(self, part: bytearray) -> Iterable[M]:
        header, body = PREFIX.unpack(part)
        if header > MAX_HEADER or body > MAX_BODY:
            raise WireError(f"a frame of {header} + {body} bytes is over the limit of {MAX_HEADER} + {MAX_BODY}")
        self._expect(header, lambda fields: self._take_header(fields, body))
        return ()

    def _take_header(self, part: bytearray, body: int) -> Iterable[M]:
        self._expect(body, lambda data: self._take_body(part, data))
        return ()

    def _take_body(self, header: bytearray, body: bytearray) -> Iterable[M]:
        self._expect_prefix()
        return (_read(self._readers, header, memoryview(body).toreadonly()),)


def _read(readers: Mapping[str, Reader[M]], header: bytearray, body: memoryview) -> M:
    """The message of one frame."""
    try:
        fields = Header(_typed(json.loads(header), dict))
        return readers[fields.text("kind")](fields, body)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        start = bytes(header[:80]).decode(errors="replace")
        raise WireError(f"no message: {error!r} in a frame that begins with {start}") from error

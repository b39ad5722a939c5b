"""The bytes of a message.

A frame is two big-endian u32 (length of the header, length of the body), the header (a JSON object whose `kind` names
the message), and the body (pixel data, never JSON).
"""

import base64
import json
import struct
from collections.abc import Sequence
from typing import Any, Final, assert_never

from fractal_api.errors import PermanentError
from fractal_kernel.definition import to_json
from fractal_kernel.wire.messages import (
    Blob,
    Cancel,
    Cancelled,
    Failed,
    Heartbeat,
    Message,
    Pause,
    Ready,
    Rendered,
    Resume,
    Run,
    Started,
    Stop,
    Surveyed,
    Tiles,
)

MAX_HEADER: Final = 4 << 20
"""Bytes of a header at most; a picture of 16,384 tiles needs less than 2 MiB."""

MAX_BODY: Final = 128 << 20
"""Bytes of a body at most; a tile of 4096² pixels that do not compress has 48 MiB."""

JOINED: Final = 1 << 20
"""Bytes of a body up to which it is written as one with its header."""

PREFIX: Final = struct.Struct(">II")


class WireError(PermanentError):
    """The peer sent something that is no frame of this protocol; the connection is of no more use."""


def encode(message: Message) -> list[Blob]:
    """The frame of a message, as buffers to be written one after the other; large blobs are not copied."""
    fields, body = _fields(message)
    header = json.dumps({"kind": type(message).__name__, **fields}, separators=(",", ":")).encode()
    length = sum(map(len, body))
    if len(header) > MAX_HEADER or length > MAX_BODY:
        raise WireError(f"a frame of {len(header)} + {length} bytes is over the limit of {MAX_HEADER} + {MAX_BODY}")
    parts: list[Blob] = [PREFIX.pack(len(header), length), header, *body]
    # To copy a few hundred tiles of a kilobyte takes less than to hand each of them to the system.
    return [b"".join(parts)] if length <= JOINED else [b"".join(parts[:2]), *(blob for blob in body if len(blob))]


def _fields(message: Message) -> tuple[dict[str, Any], Sequence[Blob]]:  # noqa: PLR0911 - a table
    """A message's header, but for its kind, and the parts of its body."""
    match message:
        case Pause() | Resume() | Stop():
            return {}, ()
        case Started() | Rendered() | Cancel() | Cancelled():
            return {"run": message.run}, ()
        case Run():
            order = {
                "run": message.run,
                "definition": to_json(message.definition),
                "acknowledged": _pack_bits(message.acknowledged),
                "maxIterations": message.max_iterations,
            }
            return order, ()
        case Ready():
            return {"epoch": message.epoch, "hosts": message.hosts, "pids": message.pids}, ()
        case Surveyed():
            numbers = {"maxIterations": message.max_iterations, "work": message.work, "tiles": message.tiles}
            return {"run": message.run, **numbers}, ()
        case Tiles():
            blobs = [blob for _, blob in message.tiles]
            facts = {
                "run": message.run,
                "rank": message.rank,
                "iterations": message.iterations,
                "seconds": message.seconds,
                "work": message.work,
                "indices": [index for index, _ in message.tiles],
                "lengths": [len(blob) for blob in blobs],
            }
            return facts, blobs
        case Failed():
            return {"run": message.run, "reason": message.reason}, ()
        case Heartbeat():
            beats = [(b.rank, b.iterations, b.batches, b.busy, b.silent_s) for b in message.ranks]
            return {"ranks": beats}, ()
        case _:
            assert_never(message)


def _pack_bits(numbers: frozenset[int]) -> str:
    """A bitmap of a set of numbers in base64, lowest bit first."""
    packed = bytearray(max(numbers, default=-1) // 8 + 1)
    for number in numbers:
        packed[number >> 3] |= 1 << (number & 7)
    return base64.b64encode(packed).decode()

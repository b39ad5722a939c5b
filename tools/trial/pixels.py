"""The pixels of a PNG file, read by a decoder that shares nothing with the program that wrote it.

W3C PNG, for what ours are: 8 bits, RGB, not interlaced, rows filtered by Sub, Up or not at all.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from cluster_harness.errors import ClusterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
CHANNELS: Final = 3
RGB8: Final = (8, 2, 0, 0, 0)


class PictureError(ClusterError):
    """A file that is not a picture of ours."""


def pixels_sha256(file: Path) -> str:
    """The SHA-256 of the file's raw RGB bytes, rows from the top; PictureError when it can't be read."""
    try:
        rows = _rows(file.read_bytes())
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise PictureError(f"{file} is no PNG of 8-bit RGB that can be read: {error}") from None
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row.tobytes())
    return digest.hexdigest()


def _rows(data: bytes) -> "list[NDArray[np.uint8]]":
    if not data.startswith(SIGNATURE):
        raise ValueError("it does not begin as one")
    chunks = list(_chunks(data))
    width, height, *form = struct.unpack(">II5B", _body(chunks, b"IHDR"))
    if tuple(form) != RGB8:
        raise ValueError(f"its form is {form}")
    raw = zlib.decompress(_body(chunks, b"IDAT"))
    lines = np.frombuffer(raw, np.uint8).reshape(height, CHANNELS * width + 1)
    rows: list[NDArray[np.uint8]] = []
    above = np.zeros(CHANNELS * width, np.uint8)
    for line in lines:
        above = _unfiltered(int(line[0]), line[1:], above)
        rows.append(above)
    return rows


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if zlib.crc32(kind + body) != struct.unpack_from(">I", data, at + 8 + size)[0]:
            raise ValueError(f"the checksum of a {kind.decode(errors='replace')} chunk is wrong")
        yield kind, body
        at += 12 + size


def _body(chunks: list[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    """What all chunks of a kind hold together."""
    return b"".join(body for kind, body in chunks if kind == wanted)


def _unfiltered(kind: int, row: "NDArray[np.uint8]", above: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """A row as it was before its filter (section 9 of the specification); uint8 wraps as it asks."""
    match kind:
        case 0:
            return row
        case 1:
            return np.add.accumulate(row.reshape(-1, CHANNELS), axis=0, dtype=np.uint8).reshape(-1)
        case 2:
            return row + above
        case _:
            raise ValueError(f"filter {kind} is none that pictures of ours have")

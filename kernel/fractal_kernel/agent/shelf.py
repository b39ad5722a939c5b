"""Byte strings that wait: in memory while there are few of them, beyond that in files that have no name.

The agent's memory is bounded at any size of picture, and so is what a dead agent leaves behind: nothing, since a file
without a name goes with its process.
"""

import os
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

Blob = bytes | memoryview

_SEGMENT_BYTES: Final = 16 << 20
"""A file is given back when all that lies in it was dropped: small files go sooner."""


class _Segment:
    """A file without a name, written once from front to back."""

    def __init__(self, folder: Path) -> None:
        # Neither buffered nor named: what is written is read back at once, by position.
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - it lives as long as its contents
        self.size = 0
        self.live = 0

    def write(self, blob: Blob) -> int:
        """Append; the place where it lies. OSError when the disk is full, and then nothing is kept."""
        start, rest = self.size, memoryview(blob)
        while rest:
            written = os.pwrite(self._file.fileno(), rest, start + len(blob) - len(rest))
            rest = rest[written:]
        self.size += len(blob)
        self.live += 1
        return start

    def read(self, start: int, length: int) -> bytes:
        parts = []
        while length:
            parts.append(os.pread(self._file.fileno(), length, start))
            start, length = start + len(parts[-1]), length - len(parts[-1])
        return b"".join(parts)

    def close(self) -> None:
        self._file.close()


class Item(NamedTuple):
    """Something on the shelf: `length` bytes, in memory or in a file."""

    length: int
    blob: Blob | None = None
    segment: _Segment | None = None
    start: int = 0


class Shelf:
    """Holds byte strings; at most `resident` bytes of them in memory, the others in files in `folder`."""

    def __init__(self, *, resident: int, folder: Path) -> None:
        self._resident = resident
        self._folder = folder
        self._in_memory = 0
        self._segments: list[_Segment] = []
        self.held = 0
        """Bytes of all that is held."""

    def put(self, blob: Blob) -> Item:
        """Take a byte string; OSError when the disk is full, and then it is not held."""
        if self._in_memory + len(blob) <= self._resident:
            return self.keep(blob)
        item = self._write(blob)
        self.held += item.length
        return item

    def keep(self, blob: Blob) -> Item:
        """Take a byte string into memory, whatever is there already."""
        self._in_memory += len(blob)
        self.held += len(blob)
        return Item(len(blob), blob)

    def read(self, item: Item) -> Blob:
        """What was put; it stays."""
        if item.segment is not None:
            return item.segment.read(item.start, item.length)
        return item.blob or b""

    def take(self, item: Item) -> bytes:
        """What was put, which is then held no longer."""
        blob = bytes(self.read(item))
        self.drop(item)
        return blob

    def drop(self, item: Item) -> None:
        """Hold this no longer; each item may be dropped once."""
        self.held -= item.length
        if item.segment is None:
            self._in_memory -= item.length
            return
        item.segment.live -= 1
        if item.segment.live == 0:
            self._segments.remove(item.segment)
            item.segment.close()

    def close(self) -> None:
        """Drop everything."""
        for segment in self._segments:
            segment.close()
        self._segments.clear()
        self.held = self._in_memory = 0

    def _write(self, blob: Blob) -> Item:
        if not self._segments or self._segments[-1].size >= _SEGMENT_BYTES:
            self._segments.append(_Segment(self._folder))
        segment = self._segments[-1]
        return Item(length=len(blob), segment=segment, start=segment.write(blob))

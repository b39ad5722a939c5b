"""The tiles of one run in one append-only file: a batch costs one write and one flush of the disk.

A record is a header and a blob. A batch is begun only after the one before it is on the disk, so that after a power
cut only the last batch in the file can be damaged: `TileLog` checks that one's blobs when it opens, and headers all
the way; the rest is checked when it is read. What follows the first damage was never acknowledged, and is cut off.
"""

import itertools
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from fractal_kernel.store.durable import pread_all, pwrite_all
from fractal_kernel.store.interface import Blob, StoreCorrupt

_FIELDS: Final = struct.Struct(">4sIIII")  # magic, batch, tile index, blob length, CRC of the blob
_HEADER_BYTES: Final = _FIELDS.size + 4  # and the CRC of the fields
_MAGIC: Final = b"FTL1"


class _Record(NamedTuple):
    """Where a blob lies in the file, and what it must be."""

    batch: int
    tile: int
    offset: int
    length: int
    crc: int


class TileLog:
    """An open log. Not for two threads at once; the caller holds the run's lock.

    Every method may raise OSError. An append that raises leaves the log as it was before.
    """

    def __init__(self, fd: int, records: Sequence[_Record], end: int) -> None:
        self._fd = fd
        self._records = {record.tile: record for record in records}
        self._batch = max((record.batch for record in records), default=0)
        self._end = end

    @classmethod
    def open(cls, path: Path) -> Self:
        """The log at `path`, created when it isn't there, without what a crash left at its end.

        What it then holds is on the disk, but for the file's name: flushing its folder is the caller's.
        """
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            records = _without_damage(fd, list(_scan(fd)))
            end = records[-1].offset + records[-1].length if records else 0
            if os.fstat(fd).st_size:  # an empty one is as good on the disk as not
                os.ftruncate(fd, end)
                os.fdatasync(fd)
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, records, end)

    @property
    def indices(self) -> frozenset[int]:
        """The tiles that the log holds."""
        return frozenset(self._records)

    def append(self, tiles: Sequence[tuple[int, Blob]]) -> None:
        """Write a batch; on return it is on the disk."""
        if not tiles:
            return
        records: list[_Record] = []
        buffers: list[Blob] = []
        end = self._end
        for index, blob in tiles:
            record = _Record(self._batch + 1, index, end + _HEADER_BYTES, len(blob), zlib.crc32(blob))
            records.append(record)
            buffers += (_header(record), blob)
            end = record.offset + record.length
        try:
            pwrite_all(self._fd, buffers, self._end)
            os.fdatasync(self._fd)
        except OSError:
            # Cut off what may be there in part, and with it the pages whose flush failed: a second fdatasync
            # would report them as written.
            os.ftruncate(self._fd, self._end)
            raise
        self._records.update((record.tile, record) for record in records)
        self._batch += 1
        self._end = end

    def read(self, index: int) -> bytes:
        """The blob of a tile; StoreCorrupt when it isn't there or isn't what was written."""
        record = self._records.get(index)
        if record is None:
            raise StoreCorrupt(f"tile {index} is not in the log")
        blob = pread_all(self._fd, record.length, record.offset)
        if not _intact(record, blob):
            raise StoreCorrupt(f"tile {index} is damaged in the log")
        return blob

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def _header(record: _Record) -> bytes:
    fields = _FIELDS.pack(_MAGIC, record.batch, record.tile, record.length, record.crc)
    return fields + zlib.crc32(fields).to_bytes(4, "big")


def _scan(fd: int) -> Iterator[_Record]:
    """The records up to the first header that is no header."""
    size = os.fstat(fd).st_size
    end = 0
    while len(header := pread_all(fd, _HEADER_BYTES, end)) == _HEADER_BYTES:
        _, batch, index, length, crc = _FIELDS.unpack_from(header)
        record = _Record(batch, index, end + _HEADER_BYTES, length, crc)
        end = record.offset + length
        if header != _header(record) or end > size:
            return
        yield record


def _without_damage(fd: int, records: list[_Record]) -> list[_Record]:
    """The records before the first damaged one of the last batch."""
    if not records:
        return records
    last = records[-1].batch
    sound = itertools.takewhile(
        lambda record: record.batch < last or _intact(record, pread_all(fd, record.length, record.offset)), records
    )
    return list(sound)


def _intact(record: _Record, blob: bytes) -> bool:
    return len(blob) == record.length and zlib.crc32(blob) == record.crc

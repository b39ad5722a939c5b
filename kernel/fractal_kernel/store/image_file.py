"""One attempt's image as a file: its chunks one after the other.

While later chunks are still being made, the earlier ones are brought to the disk, dropped from memory and asked for
again (`flush`): when the image is proved by reading it back, most of it is there already, and comes from the disk.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fractal_api.storage import CHUNK_BYTES
from fractal_kernel.store.durable import pread_all, pwrite_all, sync_folder
from fractal_kernel.store.interface import Blob, StoreCorrupt

_PIECE_BYTES: Final = 1 << 17


class ImageFile:
    """The image file at a path, which need not be there yet; one object for whoever writes it. OSError as it comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._named = False
        """Whether the file's name is on the disk."""
        self._flushed: set[int] = set()
        """Chunks that are on the disk, and whose pages in memory, if there are any, were read from there."""
        self._failed: OSError | None = None

    def write(self, number: int, data: Blob) -> None:
        """Put a chunk in its place; ValueError when it has more bytes than a chunk."""
        if len(data) > CHUNK_BYTES:
            raise ValueError(f"a chunk has at most {CHUNK_BYTES} bytes, not {len(data)}")
        self._flushed.discard(number)
        with self._open(os.O_RDWR | os.O_CREAT) as fd:
            pwrite_all(fd, [data], number * CHUNK_BYTES)

    def flush(self, number: int) -> None:
        """Bring a whole chunk that was written to the disk, and begin to read it back from there.

        It may be done while nobody waits for it: what fails is raised by `finish`, too, since the system tells once.
        """
        try:
            with self._open(os.O_RDWR) as fd:
                os.fdatasync(fd)
                self._name()
                _read_anew(fd, number)
        except OSError as error:
            self._failed = error
            raise
        self._flushed.add(number)

    def read(self, number: int) -> bytes:
        """A chunk; StoreCorrupt when it isn't there."""
        try:
            with self._open(os.O_RDONLY) as fd:
                data = pread_all(fd, CHUNK_BYTES, number * CHUNK_BYTES)
        except FileNotFoundError:
            data = b""
        if not data:
            raise self._missing(number)
        return data

    def pieces(self, chunks: range) -> Iterator[bytes]:
        """What is in these chunks, a little at a time: it is worked on while the disk brings the next.

        StoreCorrupt when one of them isn't there.
        """
        try:
            with self._open(os.O_RDONLY) as fd:
                for number in chunks:
                    start = number * CHUNK_BYTES
                    for at in range(start, start + CHUNK_BYTES, _PIECE_BYTES):
                        piece = pread_all(fd, _PIECE_BYTES, at)
                        if not piece and at == start:
                            raise self._missing(number)
                        yield piece
        except FileNotFoundError:
            raise self._missing(chunks.start) from None

    def finish(self, size: int) -> None:
        """Cut the file to its size, bring it to the disk, and let the next read come from there."""
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
        try:
            with self._open(os.O_RDWR) as fd:
                # An attempt may have been begun before, by a process that died, and may have come further.
                if os.fstat(fd).st_size > size:
                    os.ftruncate(fd, size)
                os.fsync(fd)
                self._name()  # before the reading begins, which would hold it up
                for number in range(-(-size // CHUNK_BYTES)):
                    if number not in self._flushed:
                        _read_anew(fd, number)
        except FileNotFoundError as error:
            raise StoreCorrupt(f"{self.path.name} is missing") from error

    def _missing(self, number: int) -> StoreCorrupt:
        return StoreCorrupt(f"chunk {number} of {self.path.name} is missing")

    def _name(self) -> None:
        if not self._named:
            sync_folder(self.path.parent)
            self._named = True

    @contextlib.contextmanager
    def _open(self, flags: int) -> Iterator[int]:
        fd = os.open(self.path, flags | os.O_CLOEXEC, 0o644)
        try:
            yield fd
        finally:
            os.close(fd)


def _read_anew(fd: int, number: int) -> None:
    """Forget what memory has of a chunk that is on the disk, and begin to read it from there."""
    for advice in (os.POSIX_FADV_DONTNEED, os.POSIX_FADV_WILLNEED):
        os.posix_fadvise(fd, number * CHUNK_BYTES, CHUNK_BYTES, advice)

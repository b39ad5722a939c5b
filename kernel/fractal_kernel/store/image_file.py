"""One attempt's image as a file: its chunks one after the other."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fractal_api.storage import CHUNK_BYTES
from fractal_kernel.store.durable import pread_all, pwrite_all, sync_folder
from fractal_kernel.store.interface import Blob, StoreCorrupt

_SYNC_EVERY: Final = 32
"""Chunks between two flushes, so that the last one, of an image of any size, doesn't exceed the store's timeout."""


class ImageFile:
    """The image file at a path, which need not be there yet. OSError as it comes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, number: int, data: Blob) -> None:
        """Put a chunk in its place; ValueError when it has more bytes than a chunk."""
        if len(data) > CHUNK_BYTES:
            raise ValueError(f"a chunk has at most {CHUNK_BYTES} bytes, not {len(data)}")
        with self._open(os.O_RDWR | os.O_CREAT) as fd:
            pwrite_all(fd, [data], number * CHUNK_BYTES)
            if number % _SYNC_EVERY == _SYNC_EVERY - 1:
                os.fdatasync(fd)

    def read(self, number: int) -> bytes:
        """A chunk; StoreCorrupt when it isn't there."""
        try:
            with self._open(os.O_RDONLY) as fd:
                data = pread_all(fd, CHUNK_BYTES, number * CHUNK_BYTES)
        except FileNotFoundError:
            data = b""
        if not data:
            raise StoreCorrupt(f"chunk {number} of {self.path.name} is missing")
        return data

    def finish(self, size: int) -> None:
        """Cut the file to its size, bring it to the disk, and let the next read come from there."""
        try:
            with self._open(os.O_RDWR) as fd:
                # An attempt may have been begun before, by a process that died, and may have come further.
                if os.fstat(fd).st_size > size:
                    os.ftruncate(fd, size)
                os.fsync(fd)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            sync_folder(self.path.parent)
        except FileNotFoundError as error:
            raise StoreCorrupt(f"{self.path.name} is missing") from error

    @contextlib.contextmanager
    def _open(self, flags: int) -> Iterator[int]:
        fd = os.open(self.path, flags | os.O_CLOEXEC, 0o644)
        try:
            yield fd
        finally:
            os.close(fd)

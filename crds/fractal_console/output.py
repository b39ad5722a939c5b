"""Where a picture goes: a file that appears whole or not at all, or standard output.

Every failure to write is one sentence that names the place.
"""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from fractal_api.errors import PermanentError


class OutputError(PermanentError):
    """A result can't be written where it should go."""


class Output(Protocol):
    """Takes the bytes of a result, in order."""

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes; OutputError when they can't be kept."""


class WholeFile:
    """A context in which a file is written; it stands at its path when the context ends well, else not at all.

    The bytes go into a hidden file beside it, which is synced and renamed. A symbolic link is followed; a device or
    pipe is written as it is. Nothing is left over after an error or an interruption.
    """

    __slots__ = ("_fd", "_part", "_path", "_target")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._target = path
        self._part: Path | None = None
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            with _speaking_of(self._path):
                self._open()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with _speaking_of(self._path):
                    self._commit()
        finally:
            self._discard()

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`."""
        with _speaking_of(self._path):
            _write_all(self._fd, data)

    def _open(self) -> None:
        self._target = self._path.resolve()
        if _is_special(self._target):
            self._fd = os.open(self._target, os.O_WRONLY | os.O_CLOEXEC)
            return
        # Named before it exists: an interruption right after open() still finds it.
        self._part = self._target.with_name(f".{self._target.name[:200]}.{secrets.token_hex(4)}.part")
        self._fd = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def _commit(self) -> None:
        if self._part is None:
            return
        os.fsync(self._fd)
        self._part.replace(self._target)
        self._part = None
        _sync_folder(self._target.parent)

    def _discard(self) -> None:
        """Remove what was not committed; the removal comes first, so that a second interruption finds it done."""
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)
            self._part = None
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                os.close(fd)


class StandardOutput:
    """The process's standard output, unbuffered."""

    __slots__ = ()

    def write(self, data: bytes | memoryview) -> None:
        """Write all of `data`; OutputError when the reader has gone."""
        with _speaking_of("standard output"):
            _write_all(sys.stdout.fileno(), data)


def _is_special(path: Path) -> bool:
    """Whether something other than a regular file is there already: it is written, never replaced."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _write_all(fd: int, data: bytes | memoryview) -> None:
    """`os.write` until nothing is left: a pipe takes what it has room for."""
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(fd, rest) :]


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where the file system can promise it."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _speaking_of(place: Path | str) -> Iterator[None]:
    """Turn an OSError into a sentence about `place`."""
    try:
        yield
    except BrokenPipeError as error:
        raise OutputError(f"{place}: the reader went away before the picture was complete") from error
    except OSError as error:
        raise OutputError(f"can't write {place}: {_reason(error, place)}") from error


def _reason(error: OSError, place: Path | str) -> str:
    if isinstance(error, FileNotFoundError) and isinstance(place, Path):
        return f"there is no folder {place.parent}"
    return (error.strerror or type(error).__name__).lower()

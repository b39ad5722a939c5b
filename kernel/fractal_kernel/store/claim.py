"""The right of one process to write to a run's folder."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Self


class Claim:
    """A lock on a file, held until `release` or the death of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The claim on the file at `path`, which is made if need be; None when another process holds it."""
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Between the two calls the holder before us may have removed the file with its folder: a lock on
                # a file without a name keeps nobody out.
                if _is_at(fd, path):
                    os.ftruncate(fd, 0)
                    os.pwrite(fd, str(os.getpid()).encode(), 0)
                    return cls(fd)
            except BlockingIOError:
                os.close(fd)
                return None
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def release(self) -> None:
        """Let others have it."""
        os.close(self._fd)


def holder_of(path: Path) -> str:
    """Who holds the claim on `path`, for a person to read."""
    with contextlib.suppress(OSError):
        pid = path.read_text(errors="replace").strip()
        if pid.isdigit():
            return f"process {pid}"
    return "another process"


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False

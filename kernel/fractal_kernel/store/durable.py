"""Files and folders that a power cut can't take back once the call returned; OSError as it comes."""

import os
import stat
from pathlib import Path
from typing import Final

_JOINED: Final = 1 << 20
"""Bytes that are written as one buffer, at most."""

_MAX_BUFFERS: Final = 512
"""Buffers of one pwritev; the system's limit is 1024 on Linux (UIO_MAXIOV)."""


def write_durably(path: Path, data: bytes) -> None:
    """Put a file in the place of another at once: after a crash there is the old one or the new one, whole."""
    write_part(path, data).replace(path)
    sync_folder(path.parent)


def write_part(path: Path, data: bytes) -> Path:
    """A file beside `path` with this data, on the disk but for its name: to take the place of `path`."""
    part = path.with_name(f".{path.name}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        pwrite_all(fd, [data], 0)
        os.fsync(fd)
    finally:
        os.close(fd)
    return part


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each entered durably into its parent; others may sweep them away meanwhile."""
    while not folder.is_dir():
        make_name(folder)
        sync_folder(folder.parent)


def make_name(folder: Path) -> None:
    """As `make_folder`, but the folder's own name isn't on the disk yet: flushing its parent is the caller's."""
    while not folder.is_dir():
        make_folder(folder.parent)
        try:
            folder.mkdir()
        except FileExistsError:
            if _is_in_the_way(folder):
                raise
        except FileNotFoundError:  # the parent was swept away since it was made
            continue


def _is_in_the_way(path: Path) -> bool:
    """Whether something other than a folder has this name; a folder may be gone again by now."""
    try:
        return not stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def pwrite_all(fd: int, buffers: list[bytes | memoryview], offset: int) -> None:
    """Write all the buffers at `offset`, in as many system calls as it takes."""
    if sum(map(len, buffers)) <= _JOINED:  # to copy them takes less than to hand over each
        buffers = [b"".join(buffers)]
    left = [memoryview(buffer).cast("B") for buffer in reversed(buffers) if len(buffer)]
    while left:
        written = os.pwritev(fd, left[: -_MAX_BUFFERS - 1 : -1], offset)
        offset += written
        while left and written >= len(left[-1]):
            written -= len(left.pop())
        if written:
            left[-1] = left[-1][written:]


def pread_all(fd: int, length: int, offset: int) -> bytes:
    """`length` bytes at `offset`, or fewer where the file ends: one system call may return less than there is."""
    parts: list[bytes] = []
    while length and (part := os.pread(fd, length, offset)):
        parts.append(part)
        length, offset = length - len(part), offset + len(part)
    return b"".join(parts)

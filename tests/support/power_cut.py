"""What a disk has after a power cut, by the letter of POSIX: files as they were last flushed, folders likewise.

A disk may have done more than it was asked for, and in another order, so a cut leaves one of three trees: `LEAST`, in
which a name is there since its folder was flushed; `MOVED`, in which names that replaced others are there as well,
without those that were made before; and `NAMES`, in which every name came, went or moved at once. In none of them is
there more in a file than at its last flush.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Final

import pytest

Inode = int


class Cut(Enum):
    """How much of what wasn't flushed a cut leaves."""

    LEAST = auto()
    MOVED = auto()
    NAMES = auto()


class Disk:
    """Watches the flushes of this process. `before` is called before each of them takes effect."""

    def __init__(self, root: Path, before: Callable[[], None]) -> None:
        self.root: Final = root
        self._before = before
        self._bytes: dict[Inode, bytes] = {}
        self._names: dict[Inode, dict[str, Inode]] = {}
        self._moved: dict[Inode, set[str]] = {}
        self._replace = os.replace
        self._held: list[int] = []

    @contextmanager
    def watched(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A time in which flushes count."""
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._flush)
        monkeypatch.setattr(os, "replace", self._move)
        try:
            yield
        finally:
            monkeypatch.undo()
            for fd in self._held:
                os.close(fd)

    def leave(self, cut: Cut, target: Path) -> None:
        """Make what a power cut would leave now, as a new folder."""
        self._leave(cut, self.root, self.root.stat().st_ino, target)

    def _flush(self, fd: int) -> None:
        self._before()
        found = os.fstat(fd)
        if found.st_ino not in self._bytes and found.st_ino not in self._names:
            self._held.append(os.dup(fd))  # so that no other file gets its number
        if stat.S_ISDIR(found.st_mode):
            self._names[found.st_ino] = {entry.name: entry.inode() for entry in os.scandir(fd)}
            self._moved.pop(found.st_ino, None)
        else:
            self._bytes[found.st_ino] = Path(f"/proc/self/fd/{fd}").read_bytes()

    def _move(self, old: Path, new: Path) -> None:
        self._replace(old, new)
        self._moved.setdefault(new.parent.stat().st_ino, set()).add(new.name)

    def _leave(self, cut: Cut, now: Path, inode: Inode, target: Path) -> None:
        target.mkdir()
        present = {entry.name: entry.inode() for entry in os.scandir(now)} if now.is_dir() else {}
        names = present if cut is Cut.NAMES else self._names.get(inode, {})
        if cut is Cut.MOVED:
            names = names | {name: present[name] for name in self._moved.get(inode, set()) & present.keys()}
        for name, number in names.items():
            if number in self._names or (now / name).is_dir():
                self._leave(cut, now / name, number, target / name)
            else:
                (target / name).write_bytes(self._bytes.get(number, b""))

"""A folder of an agent's own, for its socket, its spool and whatever Open MPI leaves lying about.

The agent holds a lock on its folder for as long as it lives. Whoever starts later and can lock a folder knows that its
agent is dead, and sweeps: processes that bear the session's mark, the folder, and the session's part of /dev/shm.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fractal_api.errors import PermanentError
from fractal_kernel.agent.processes import end_marked

MARK: Final = "FRACTAL_SESSION"
"""The environment variable that every process of a session bears."""

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the system's, used below a name of our own
_SOCKET_PATH_BYTES: Final = 107
"""The longest path that a Unix socket may have on Linux."""


class NoSession(PermanentError):  # noqa: N818 - it names what there isn't
    """There is no place for a session's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The places of one agent: `folder` on disk and `memory` in /dev/shm, both its own and nobody else's."""

    folder: Path
    memory: Path
    lock: int

    @property
    def name(self) -> str:
        """The session's mark."""
        return str(self.folder)

    @property
    def socket(self) -> Path:
        """Where rank 0 finds the agent."""
        return self.folder / "agent.sock"

    async def close(self) -> None:
        """Leave nothing over."""
        await end_marked(MARK, self.name)
        _remove(self.folder, self.memory)
        os.close(self.lock)


def default_root() -> Path:
    """Where sessions lie unless somebody says otherwise: below the folder for temporary files, one for each user."""
    return Path(tempfile.gettempdir()) / f"clusteredfractals-{os.getuid()}"


async def open_session(root: Path) -> Session:
    """A new session, after those of dead agents were swept."""
    _own(root)
    folder = root / secrets.token_hex(4)
    if len(os.fsencode(folder / "agent.sock")) > _SOCKET_PATH_BYTES:
        raise NoSession(f"the path {folder} is too long for a Unix socket; set FRACTAL_WORK_DIR to a shorter one")
    gate = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Or an agent that sweeps could take a folder that was made but not locked yet for a dead one's.
        await asyncio.to_thread(fcntl.flock, gate, fcntl.LOCK_EX)
        await _sweep(root)
        folder.mkdir(mode=0o700)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        os.close(gate)
    memory = _memory_of(folder)
    memory.mkdir(mode=0o700)
    return Session(folder=folder, memory=memory, lock=lock)


async def _sweep(root: Path) -> None:
    """Remove what dead agents left."""
    for folder in _folders(root):
        lock = _lock(folder)
        if lock is None:
            continue
        try:
            await end_marked(MARK, str(folder))
            _remove(folder, _memory_of(folder))
        finally:
            os.close(lock)


def _own(root: Path) -> None:
    """Make sure that the folder of all sessions is ours alone: others could put a socket there for us to trust."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = root.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise NoSession(
            f"{root} belongs to somebody else, or others may write to it; remove it or set FRACTAL_WORK_DIR"
        )


def _folders(root: Path) -> Iterator[Path]:
    return (entry for entry in sorted(root.iterdir()) if entry.is_dir() and not entry.is_symlink())


def _lock(folder: Path) -> int | None:
    """A locked descriptor of a dead agent's folder; None while it lives, or when it is just removing it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _memory_of(folder: Path) -> Path:
    """The session's part of the shared memory, or of its folder where there is no /dev/shm."""
    base = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else folder
    return base / f"clusteredfractals-{os.getuid()}-{folder.name}"


def _remove(*folders: Path) -> None:
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)

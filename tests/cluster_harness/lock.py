"""At most one command changes the cluster at a time; a second one says so instead of waiting."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from cluster_harness.errors import BusyError


@contextlib.contextmanager
def held(folder: Path, doing: str) -> Iterator[None]:
    """Hold the lock while the block runs; BusyError, naming who holds it, when somebody does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another command"
            raise BusyError(f"{holder} is changing the cluster right now: wait for it to end, then try again") from None
        lock.truncate(0)
        lock.write(f"`{doing}` (process {os.getpid()})")
        lock.flush()
        yield

"""Processes that bear a mark in their environment: found in /proc, ended, and waited for.

mpirun returns while ranks still live, and ranks outlive a killed mpirun; process groups don't hold them together, since
mpirun gives each rank its own. The environment is what every descendant on this machine inherits.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_STOPPED_STATES: Final = frozenset({"T", "t"})


def marked(name: str, value: str) -> list[int]:
    """The processes whose environment began with this variable; neither zombies nor this process itself."""
    wanted = f"{name}={value}".encode()
    return [pid for pid in _pids() if pid != os.getpid() and wanted in _environment(pid)]


async def end_marked(name: str, value: str) -> None:
    """Return when no process bears the mark, having killed those that did."""
    while found := marked(name, value):
        await asyncio.gather(*(_end(pid) for pid in found))


def is_stopped(pid: int) -> bool:
    """Whether a process stands still (SIGSTOP, or a debugger)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    # The command's name, in brackets, may hold anything; the state follows the last bracket.
    return stat.rpartition(")")[2].split()[0] in _STOPPED_STATES


async def _end(pid: int) -> None:
    """Kill a process and return when it is gone, whoever's child it is."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(watched, gone.set)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(watched, signal.SIGKILL)
        await gone.wait()
    finally:
        loop.remove_reader(watched)
        os.close(watched)


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())


def _environment(pid: int) -> list[bytes]:
    """The environment that a process was started with; empty when it is gone, a zombie, or somebody else's."""
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []

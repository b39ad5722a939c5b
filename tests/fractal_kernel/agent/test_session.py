"""Processes and files that belong to an agent, and what becomes of those of a dead one."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fractal_kernel.agent import bound
from fractal_kernel.agent.mpirun import Command, MpirunProcess, NotStarted
from fractal_kernel.agent.processes import end_marked, is_stopped, marked
from fractal_kernel.agent.session import MARK, NoSession, open_session

SLEEP = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(flush=True)
time.sleep(60)
"""


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fs-") as folder:
        yield Path(folder) / "work"


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def make_for_everybody(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


@contextmanager
def sleeper(mark: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A process that bears the mark and sleeps by now: one that just begins may show no environment yet."""
    command = [sys.executable, "-c", SLEEP]
    with subprocess.Popen(command, env={**os.environ, MARK: mark}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


async def test_only_processes_that_bear_the_mark_are_ended() -> None:
    with sleeper("one") as one, sleeper("two") as two:
        assert marked(MARK, "one") == [one.pid]
        await end_marked(MARK, "one")
        assert one.wait() == -signal.SIGKILL
        assert marked(MARK, "one") == []
        assert two.poll() is None


async def test_a_process_that_stands_still_is_seen_and_ended_all_the_same() -> None:
    with sleeper("one") as process:
        assert not is_stopped(process.pid)
        process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED)
        assert is_stopped(process.pid)
        await end_marked(MARK, "one")
        assert process.wait() == -signal.SIGKILL
    assert not is_stopped(process.pid)


async def test_a_session_leaves_nothing_over(root: Path) -> None:
    session = await open_session(root)
    (session.folder / "file").touch()
    (session.memory / "file").touch()
    with sleeper(session.name) as process:
        await session.close()
        assert process.wait() == -signal.SIGKILL
    assert names_in(root) == []
    assert not session.memory.exists()


async def test_what_a_dead_agent_left_is_swept_and_what_a_living_one_has_is_not(root: Path) -> None:
    living = await open_session(root)
    dead = await open_session(root)
    with sleeper(dead.name) as process:
        os.close(dead.lock)
        successor = await open_session(root)
        assert process.wait() == -signal.SIGKILL
    assert not dead.folder.exists()
    assert not dead.memory.exists()
    assert living.folder.exists()
    await living.close()
    await successor.close()


async def test_sessions_that_begin_at_once_do_not_sweep_one_another(root: Path) -> None:
    sessions = await asyncio.gather(*(open_session(root) for _ in range(8)))
    assert len({session.name for session in sessions}) == 8
    assert all(session.folder.exists() for session in sessions)
    for session in sessions:
        await session.close()


async def test_a_folder_that_others_may_write_to_is_not_trusted(root: Path) -> None:
    make_for_everybody(root)
    with pytest.raises(NoSession, match="others may write to it"):
        await open_session(root)


async def test_a_path_too_long_for_a_socket_is_refused_in_words(root: Path) -> None:
    with pytest.raises(NoSession, match="set FRACTAL_WORK_DIR to a shorter one"):
        await open_session(root / ("x" * 100))


# ---- mpirun, played by other programs ------------------------------------------------------------------------------


class Ears:
    def __init__(self) -> None:
        self.ended: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.lines: list[str] = []
        self.spoken = asyncio.Event()

    def process_ended(self, epoch: int, reason: str) -> None:
        self.ended.put_nowait((epoch, reason))

    def said(self, line: str) -> None:
        self.lines.append(line)
        self.spoken.set()


def command(folder: Path, *arguments: str) -> Command:
    return Command(arguments=arguments, environment=dict(os.environ), mark=(MARK, str(folder)), folder=folder)


async def test_what_mpirun_said_last_tells_why_it_ended(tmp_path: Path) -> None:
    ears = Ears()
    mpirun = MpirunProcess(ears)
    await mpirun.start(7, command(tmp_path, "sh", "-c", r"echo no slots; echo; printf '\000for you\n' >&2; exit 3"))
    assert await ears.ended.get() == (7, "mpirun ended with code 3; its last words: no slots | for you")
    assert ears.lines == ["no slots", "for you"]
    await mpirun.end(orderly=False)


async def test_ending_mpirun_ends_all_that_it_started(tmp_path: Path) -> None:
    ears = Ears()
    mpirun = MpirunProcess(ears)
    await mpirun.start(7, command(tmp_path, "sh", "-c", "setsid sleep 60 & setsid sleep 60 & echo up; wait"))
    await ears.spoken.wait()
    await mpirun.end(orderly=False)
    assert marked(MARK, str(tmp_path)) == []
    assert await ears.ended.get() == (7, "mpirun ended by signal 9; its last words: up")


async def test_a_ranks_output_without_lines_is_cut(tmp_path: Path) -> None:
    ears = Ears()
    mpirun = MpirunProcess(ears)
    await mpirun.start(7, command(tmp_path, sys.executable, "-c", "print('x' * 100_000, end='')"))
    await ears.ended.get()
    assert sum(map(len, ears.lines)) == 100_000
    assert max(map(len, ears.lines)) < 10_000
    await mpirun.end(orderly=False)


async def test_a_program_that_is_not_there_ends_at_once(tmp_path: Path) -> None:
    ears = Ears()
    mpirun = MpirunProcess(ears)
    await mpirun.start(7, command(tmp_path, "/nowhere/mpirun"))
    reason = "mpirun ended with code 1; its last words: can't start /nowhere/mpirun: No such file or directory"
    assert await ears.ended.get() == (7, reason)
    await mpirun.end(orderly=False)


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="No such file"):
        await MpirunProcess(Ears()).start(7, command(tmp_path / "gone", "true"))


def test_a_bound_program_dies_with_its_parent(tmp_path: Path) -> None:
    script = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", {bound.__file__!r}, str(os.getpid()), "sleep", "60"])
print(child.pid, flush=True)
time.sleep(60)
"""
    environment = {**os.environ, MARK: str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        watched = os.pidfd_open(child)
        while b"sleep" not in Path(f"/proc/{child}/cmdline").read_bytes():
            pass
        parent.kill()
    asyncio.run(gone(watched))


async def gone(watched: int) -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().add_reader(watched, event.set)
    await asyncio.wait_for(event.wait(), 10)
    asyncio.get_running_loop().remove_reader(watched)
    os.close(watched)


def test_a_bound_program_is_not_started_for_a_parent_that_is_dead() -> None:
    arguments = [sys.executable, "-I", "-S", bound.__file__, "1", "echo", "alive"]
    ended = subprocess.run(arguments, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == b""

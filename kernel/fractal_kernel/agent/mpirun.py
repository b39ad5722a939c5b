"""Starts mpirun, and ends it with all that it started: the only module that makes processes."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from fractal_api.errors import TemporaryError
from fractal_kernel.agent import bound
from fractal_kernel.agent.processes import end_marked, is_stopped

ORDERLY_S: Final = 2.0
"""How long a world may take to end when it was asked to."""

LAST_LINES: Final = 20
LAST_WORDS: Final = 600
"""Lines, and then characters, of mpirun's output that are kept to say why it ended."""

LAST_WORDS_S: Final = 0.2
LONGEST_LINE: Final = 4096


class NotStarted(TemporaryError):  # noqa: N818 - it names the state of the world
    """mpirun could not be started at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start: the arguments, the environment, the mark that all its processes bear in it, and the folder."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    mark: tuple[str, str]
    folder: Path


class Listener(Protocol):
    """Who is told what becomes of mpirun."""

    def process_ended(self, epoch: int, reason: str) -> None:
        """The process mpirun has ended; ranks may still live."""

    def said(self, line: str) -> None:
        """A rank, or mpirun itself, wrote a line."""


class MpirunProcess:
    """One mpirun at a time, under the epoch of its world."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._command: Command | None = None

    async def start(self, epoch: int, command: Command) -> None:
        """Start it; NotStarted when the system refuses. The one before must have been ended."""
        self._command = command
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", bound.__file__, str(os.getpid()), *command.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(command.environment) | dict([command.mark]),
                cwd=command.folder,
                start_new_session=True,  # a terminal's Ctrl-C is for the agent alone
            )  # fmt: skip
        except OSError as error:
            raise NotStarted(f"can't start {command.arguments[0]}: {error.strerror}") from error
        self._watching = asyncio.create_task(self._watch(epoch, self._process))

    @property
    def running(self) -> bool:
        """Whether something was started and not ended by `end` yet."""
        return self._process is not None

    @property
    def stands_still(self) -> bool:
        """Whether mpirun was stopped, as by SIGSTOP."""
        return self._process is not None and self._process.returncode is None and is_stopped(self._process.pid)

    async def end(self, *, orderly: bool) -> None:
        """Return when every process that bears the mark is gone; `orderly` lets mpirun end by itself for a while."""
        if self._process is None or self._watching is None or self._command is None:
            return
        if orderly:
            await asyncio.wait([self._watching], timeout=ORDERLY_S)
        await end_marked(*self._command.mark)
        await self._watching
        self._process = self._watching = None

    async def _watch(self, epoch: int, process: asyncio.subprocess.Process) -> None:
        words: deque[str] = deque(maxlen=LAST_LINES)
        listening = asyncio.create_task(self._listen(process.stdout, words))
        code = await process.wait()
        # An ssh of its may hold the pipe open for ever.
        await asyncio.wait([listening], timeout=LAST_WORDS_S)
        listening.cancel()
        how = f"with code {code}" if code >= 0 else f"by signal {-code}"
        last = f"; its last words: {' | '.join(words)[-LAST_WORDS:]}" if words else ""
        self._listener.process_ended(epoch, f"mpirun ended {how}{last}")

    async def _listen(self, stream: asyncio.StreamReader | None, words: deque[str]) -> None:
        if stream is not None:
            async for line in _lines(stream):
                words.append(line)
                self._listener.said(line)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a stream that are not blank; one without an end is cut."""
    rest = b""
    while chunk := await stream.read(LONGEST_LINE):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            if text := _text(line):
                yield text
    if text := _text(rest):
        yield text


def _text(line: bytes) -> str:
    """A line as people read it; Open MPI 5 sends a NUL along with some."""
    return line.replace(b"\0", b"").decode(errors="replace").strip()

"""A real world for tests and benchmarks: mpirun with its ranks, and the agent's end of the wire."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from fractal_kernel.wire import (
    TO_AGENT,
    Blob,
    Decoder,
    Heartbeat,
    Ready,
    Rendered,
    Run,
    Tiles,
    ToAgent,
    ToWorld,
    encode,
)
from fractal_kernel.world.launch import Launch, Mpirun, build_command, build_environment, find_mpirun

DEADLINE_S = 60.0
M = TypeVar("M")


class WorldEnded(AssertionError):  # noqa: N818 - a test fails by it
    """The world is gone, while the test still waited for a word of it."""


class World:
    """A world of `ranks` ranks on this machine, to be used as a context; nothing of it is left afterwards."""

    def __init__(self, ranks: int, *, epoch: int = 1, ledger: Path | None = None, mpirun: Mpirun | None = None) -> None:
        found = mpirun or find_mpirun()
        assert found is not None, "these tests need Open MPI's mpirun"
        self.ranks = ranks
        self.folder = Path(tempfile.mkdtemp(prefix="fractal-world-", dir="/dev/shm"))
        self.output = self.folder / "output"
        self.messages: list[ToAgent] = []
        """Everything that was heard and not taken yet."""
        self.heartbeat: Heartbeat | None = None
        """The last one that was heard."""
        self._decoder = Decoder[ToAgent](TO_AGENT)
        self._open = contextlib.ExitStack()
        self._server = self._open.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        path = self.folder / "agent.sock"
        self._server.bind(str(path))
        self._server.listen(1)
        self._server.settimeout(DEADLINE_S)
        environment = {**os.environ, **({"FRACTAL_LEDGER": str(ledger)} if ledger else {})}
        launch = Launch(ranks=ranks, socket=path, epoch=epoch, scratch=self.folder)
        with self.output.open("wb") as output:
            self.mpirun = subprocess.Popen(
                build_command(found, launch, environment),
                env=build_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.ready = Ready(epoch=epoch, hosts=(), pids=())
        try:
            self.socket, _ = self._server.accept()
            self._open.enter_context(self.socket)
            self.ready = self.expect(Ready)
        except (OSError, AssertionError):
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything, whatever state it is in."""
        self._open.close()
        for pid in self.living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)  # a stopped rank can't end
        self.mpirun.terminate()
        try:
            self.mpirun.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.mpirun.pid, signal.SIGKILL)
            self.mpirun.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def living(self) -> list[int]:
        """The ranks that are there, by process id."""
        return [pid for pid in self.ready.pids if Path(f"/proc/{pid}").exists()]

    @property
    def said(self) -> str:
        """What mpirun and the ranks wrote."""
        return self.output.read_text(errors="replace")

    def send(self, *messages: ToWorld) -> None:
        """Says something to rank 0."""
        for message in messages:
            for part in encode(message):
                self.socket.sendall(part)

    def listen(self, timeout_s: float) -> list[ToAgent]:
        """What is heard within the time, as soon as it is anything."""
        readable, _, _ = select.select([self.socket], [], [], timeout_s)
        if not readable:
            return []
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            raise WorldEnded(f"rank 0 closed its connection: {self.said}")
        heard = self._decoder.feed(data)
        self.heartbeat = next((each for each in reversed(heard) if isinstance(each, Heartbeat)), self.heartbeat)
        return heard

    def expect(self, kind: type[M], timeout_s: float = DEADLINE_S, *, where: Callable[[M], bool] = lambda _: True) -> M:
        """The next message of that type; those that came before it stay in `messages`."""
        deadline = time.monotonic() + timeout_s
        looked = 0
        while True:
            for at in range(looked, len(self.messages)):
                message = self.messages[at]
                if isinstance(message, kind) and where(message):
                    del self.messages[at]
                    return message
            looked = len(self.messages)
            left = deadline - time.monotonic()
            assert left > 0, f"no {kind.__name__} within {timeout_s} s, but {[type(m).__name__ for m in self.messages]}"
            self.messages.extend(self.listen(left))

    def render(self, run: Run) -> dict[int, Blob]:
        """The tiles of a run, by index, once it is rendered; each came once."""
        self.messages.clear()
        self.send(run)
        self.expect(Rendered, where=lambda message: message.run == run.run)
        tiles = [tile for message in self.messages if isinstance(message, Tiles) for tile in message.tiles]
        assert len(tiles) == len(dict(tiles))
        return dict(tiles)

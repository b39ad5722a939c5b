"""A real world for tests and benchmarks: mpirun with its ranks, and the agent's end of the wire."""

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

from fractal_kernel.wire import TO_AGENT, Decoder, Ready, ToAgent, ToWorld, encode
from fractal_kernel.world.launch import Launch, Mpirun, build_command, build_environment, find_mpirun

DEADLINE_S = 30.0
M = TypeVar("M")


class WorldEnded(AssertionError):  # noqa: N818 - a test fails by it
    """The world is gone, while the test still waited for a word of it."""


class World:
    """A world of `ranks` ranks on this machine, to be used as a context; nothing of it is left afterwards."""

    def __init__(self, ranks: int, *, epoch: int = 1, ledger: Path | None = None, mpirun: Mpirun | None = None) -> None:
        found = mpirun or find_mpirun()
        assert found is not None, "these tests need Open MPI's mpirun"
        self.folder = Path(tempfile.mkdtemp(prefix="fractal-world-", dir="/dev/shm"))
        self.output = self.folder / "output"
        self.messages: list[ToAgent] = []
        """Everything that was heard and not taken yet."""
        self._decoder = Decoder[ToAgent](TO_AGENT)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = self.folder / "agent.sock"
        self._server.bind(str(path))
        self._server.listen(1)
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
        self._server.settimeout(DEADLINE_S)
        self.socket, _ = self._server.accept()
        self.ready = self.expect(Ready)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything, whatever state it is in."""
        self.socket.close()
        self._server.close()
        if self.mpirun.poll() is None:
            self.mpirun.terminate()
        try:
            self.mpirun.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.mpirun.pid, signal.SIGKILL)
            self.mpirun.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

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
        data = self.socket.recv(1 << 20)
        if not data:
            raise WorldEnded(f"rank 0 closed its connection: {self.output.read_text(errors='replace')}")
        return self._decoder.feed(data)

    def next(self, wanted: Callable[[ToAgent], bool], timeout_s: float = DEADLINE_S) -> ToAgent:
        """The first message of that kind, those before it left in `messages`."""
        deadline = time.monotonic() + timeout_s
        looked = 0
        while True:
            for at in range(looked, len(self.messages)):
                if wanted(self.messages[at]):
                    return self.messages.pop(at)
            looked = len(self.messages)
            left = deadline - time.monotonic()
            assert left > 0, f"not heard within {timeout_s} s; heard: {[type(m).__name__ for m in self.messages]}"
            self.messages.extend(self.listen(left))

    def expect(self, kind: type[M], timeout_s: float = DEADLINE_S) -> M:
        """The next message of that type."""
        message = self.next(lambda one: isinstance(one, kind), timeout_s)
        assert isinstance(message, kind)
        return message

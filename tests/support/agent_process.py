"""An agent as a process of its own, with its world, its file store and its ledger, all in one folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, Self

from fractal_api import events
from fractal_api.events import Event

MARK: Final = "FRACTAL_TEST"
DEADLINE_S: Final = 60.0
_OPEN_MPI: Final = ("vader_segment", "sm_segment", "pmix", "ompi")
"""What Open MPI leaves where nobody told it another place."""


def until(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Return when the condition holds; AssertionError when it doesn't in time."""
    give_up = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < give_up, f"{what}: not within {deadline_s:.0f} s"
        time.sleep(0.005)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folders of an agent and its successors."""

    root: Path

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    def processes(self) -> list[int]:
        """The living processes of this place, zombies left out."""
        return [pid for pid in _pids() if f"{MARK}={self.root}".encode() in _environment(pid)]

    def leftovers(self) -> list[str]:
        """What should not be there when all agents of this place have ended: processes and files."""
        memory = [entry.name for entry in Path("/dev/shm").iterdir() if self._is_ours(entry)]
        files = [str(path) for folder in (self.work, self.temporary) if folder.exists() for path in folder.iterdir()]
        return [f"process {pid}" for pid in self.processes()] + memory + files

    def left_in_memory(self) -> list[Path]:
        """What is left in the shared memory."""
        return [entry for entry in Path("/dev/shm").iterdir() if self._is_ours(entry)]

    def note_sessions(self) -> None:
        """Remember the names of the sessions that live now: what they leave elsewhere bears them."""
        with (self.root / "sessions").open("a") as file:
            file.writelines(f"{folder.name}\n" for folder in self.work.iterdir())

    def _is_ours(self, entry: Path) -> bool:
        sessions = _lines(self.root / "sessions")
        foreign = entry.name.startswith(_OPEN_MPI) and entry.stat().st_ctime >= self.root.stat().st_ctime
        return foreign or any(session in entry.name for session in sessions)


class AgentProcess:
    """An agent that runs; it is killed when its context ends."""

    def __init__(
        self, place: Place, *, ranks: int, environment: Mapping[str, str] | None = None, ledger: bool = True
    ) -> None:
        place.temporary.mkdir(exist_ok=True)
        self.place = place
        self._ranks = ranks
        self._said = place.root / f"said-{time.monotonic_ns()}"
        settings = {
            "FRACTAL_AGENT_HOST": "127.0.0.1",
            "FRACTAL_AGENT_PORT": "0",
            "FRACTAL_AGENT_TOKEN": "secret",
            "FRACTAL_STORE": f"file://{place.store}",
            "FRACTAL_RANKS": str(ranks),
            "FRACTAL_WORK_DIR": str(place.work),
            "TMPDIR": str(place.temporary),
            MARK: str(place.root),
        }
        noted = {"FRACTAL_LEDGER": str(place.ledger)} if ledger else {}
        self._heard = 0
        with self._said.open("wb") as out, (place.root / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fractal_kernel.agent"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                env={**os.environ, **settings, **noted, **(environment or {})},
            )
        try:
            until(lambda: bool(self._listening()) or self.process.poll() is not None, "the agent listens")
            assert self.process.poll() is None, self.errors()
        except AssertionError:
            self.end()
            raise
        self.port = int(self._listening()[-1].rsplit(":", 1)[1])
        place.note_sessions()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Kill it, if it still lives."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    # ---- HTTP ------------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        data = None if body is None else json.dumps(body)
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)) as connection:
            connection.request(method, path, body=data, headers={"Authorization": "Bearer secret"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def put(self, run: str, spec: object) -> dict[str, Any]:
        status, answer = self.ask("PUT", f"/runs/{run}", {"spec": spec})
        assert status in {200, 201}, answer
        view: dict[str, Any] = answer
        return view

    def view(self, run: str) -> dict[str, Any]:
        status, answer = self.ask("GET", f"/runs/{run}")
        assert status == 200, answer
        view: dict[str, Any] = answer
        return view

    def wait_for_end(self, run: str, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        phases = {"Complete", "Failed", "Cancelled", "Interrupted"}
        until(lambda: self.view(run)["phase"] in phases, f"run {run} ends", deadline_s)
        return self.view(run)

    def wait_until_ready(self) -> None:
        until(lambda: self.ask("GET", "/readyz")[0] == 200, "the world answers")

    # ---- processes -------------------------------------------------------------------------------------------------

    @property
    def mpirun(self) -> int:
        """The process mpirun of the present world, or of the next one while there is none."""
        return self._wait_for(lambda: self._children(self.process.pid), 1, "mpirun runs")[0]

    @property
    def ranks(self) -> list[int]:
        """The processes of the ranks, by rank; a world that is just being started is waited for."""

        def look() -> list[int]:
            # Of every mpirun: one that has just lost its world is followed by another.
            return [rank for mpirun in self._children(self.process.pid) for rank in self._children(mpirun)]

        return sorted(self._wait_for(look, self._ranks, f"{self._ranks} ranks run"), key=_rank)

    def _children(self, parent: int) -> list[int]:
        return [pid for pid in self.place.processes() if _parent(pid) == parent]

    def _wait_for(self, look: Callable[[], list[int]], count: int, what: str) -> list[int]:
        """The processes that are found, as soon as there are so many."""
        found: list[int] = []

        def enough() -> bool:
            found[:] = look()
            return len(found) == count

        until(enough, what)
        return found

    def stop(self) -> int:
        """End it as Kubernetes does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE_S)

    # ---- what it said ----------------------------------------------------------------------------------------------

    def events(self) -> list[Event]:
        return [event for line in _lines(self._said) if (event := events.decode(line)) is not None]

    def news(self) -> list[Event]:
        """What it said since this was asked last: to be asked often, it costs next to nothing."""
        with self._said.open("rb") as said:
            said.seek(self._heard)
            lines, end, _ = said.read().rpartition(b"\n")  # the last line may still be growing
        self._heard += len(lines + end)
        return [event for line in lines.decode().splitlines() if (event := events.decode(line)) is not None]

    def errors(self) -> str:
        return "\n".join(_lines(self.place.root / "errors"))

    def _listening(self) -> list[str]:
        known = [line for line in _lines(self.place.root / "errors") if "listening on" in line]
        return known[len(list(self.place.root.glob("said-*"))) - 1 :]


def make_place() -> Place:
    """A place in a short path: the path of a Unix socket has at most 107 bytes."""
    return Place(root=Path(tempfile.mkdtemp(prefix="fa-")))


def remove_place(place: Place) -> None:
    """Kill what is left there, and remove it."""
    for pid in place.processes():
        os.kill(pid, signal.SIGKILL)
    for entry in place.left_in_memory():
        shutil.rmtree(entry, ignore_errors=True)
    shutil.rmtree(place.root, ignore_errors=True)


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _variables(pid: int) -> dict[str, str]:
    pairs = (entry.decode(errors="replace").partition("=") for entry in _environment(pid))
    return {name: value for name, _, value in pairs}


def _rank(pid: int) -> int:
    return int(_variables(pid).get("OMPI_COMM_WORLD_RANK", "-1"))


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1

"""An agent on the first of two hosts, with a world on both, spoken to from outside."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from support.agent_process import until
from support.hosts import SSH_ARGS, Host

from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.interface import RunKey

PORT: Final = 8000
SCRATCH: Final = Path("/tmp/world")
LEDGER: Final = Path("/tmp/ledger")
RANKS: Final = (1, 2)
"""Ranks on the first host and on the second."""

_ENDED: Final = frozenset({"Complete", "Failed", "Cancelled", "Interrupted"})
_AGENT: Final = "-m fractal_kernel.agent"
_RANK: Final = "-m fractal_kernel.world"


class HostedAgent:
    """An agent on `hosts[0]`; `output` is a file here that gets what it says."""

    def __init__(self, hosts: tuple[Host, Host], output: Path) -> None:
        self.hosts = hosts
        self.output = output
        self.host = hosts[0]
        slots = zip(hosts, RANKS, strict=True)
        environment = {
            "FRACTAL_AGENT_TOKEN": "secret",
            "FRACTAL_AGENT_PORT": str(PORT),
            "FRACTAL_STORE": "file:///tmp/store",
            "FRACTAL_HOSTS": ",".join(f"{host.name}:{ranks}" for host, ranks in slots),
            "FRACTAL_SSH_ARGS": SSH_ARGS,
            "FRACTAL_INTERFACE": "eth0",
            "FRACTAL_SCRATCH": str(SCRATCH),
            "FRACTAL_LEDGER": str(LEDGER),
            "FRACTAL_PEERS_SECONDS": "90",
        }
        for host in hosts:
            host.run("mkdir", "--parents", "--mode=777", SCRATCH)
        with output.open("ab") as file:
            self._process = self.host.start([sys.executable, *_AGENT.split()], environment, file.fileno())
        until(self._listens, "the agent listens")

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        connection = http.client.HTTPConnection(self.host.name)
        connection.sock = self.host.connect(PORT)
        with contextlib.closing(connection):
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Authorization": "Bearer secret"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def put(self, run: str, spec: object) -> None:
        status, answer = self.ask("PUT", f"/runs/{run}", {"spec": spec})
        assert status == 201, answer

    def view(self, run: str) -> dict[str, Any]:
        status, answer = self.ask("GET", f"/runs/{run}")
        assert status == 200, answer
        view: dict[str, Any] = answer
        return view

    def world(self) -> dict[str, Any]:
        """What /readyz says."""
        _, answer = self.ask("GET", "/readyz")
        world: dict[str, Any] = answer
        return world

    def wait_until_ready(self) -> dict[str, Any]:
        until(lambda: bool(self.world()["ready"]), "the world answers")
        return self.world()

    def wait_for_end(self, run: str, deadline_s: float = 120) -> dict[str, Any]:
        until(lambda: self.view(run)["phase"] in _ENDED, f"run {run} ends", deadline_s)
        return self.view(run)

    def image(self, uid: str) -> bytes:
        """The picture that lies in the agent's store."""

        async def read() -> bytes:
            store = FileStore(self.host.root / "tmp/store")
            try:
                chunks = store.read_image(RunKey(install="default", uid=uid, attempt=1))
                return b"".join([chunk async for chunk in chunks])
            finally:
                await store.close()

        return asyncio.run(read())

    def stop(self) -> None:
        """End it as Kubernetes does."""
        (agent,) = self.host.processes(_AGENT)
        os.kill(agent, signal.SIGTERM)
        self._process.wait(timeout=60)

    def leftovers(self) -> list[str]:
        """What should not be there when the agent has ended: processes of a world, and its files."""
        found = []
        for host in self.hosts:
            found += [
                f"{host.hostname}: process {pid}" for pid in host.processes("") if pid not in host.own_processes()
            ]
            folders = (host.root / "dev/shm", host.root / str(SCRATCH)[1:], host.root / "tmp/clusteredfractals-1000")
            found += [str(file) for folder in folders if folder.exists() for file in folder.iterdir()]
        return found

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.output.read_text()
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False


def ranks_on(host: Host) -> list[int]:
    """The processes of the ranks on a host: those that run Python, not the shell or mpirun that started them."""
    return [pid for pid in host.processes(_RANK) if _program(pid).startswith("python")]


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has ended meanwhile
        return ""


@contextlib.contextmanager
def hosted_agent(hosts: tuple[Host, Host], output: Path) -> Iterator[HostedAgent]:
    """An agent that goes with its hosts; what it said is printed, for pytest to show with a failure."""
    try:
        yield HostedAgent(hosts, output)
    finally:
        print(output.read_text() if output.exists() else "the agent said nothing")

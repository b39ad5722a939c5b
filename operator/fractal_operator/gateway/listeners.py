"""Several HTTP servers in one process, which begin and end together."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from fractal_api.errors import PermanentError

KEEP_ALIVE_S: Final = 30
CONNECTIONS: Final = 2000
"""Beyond so many at once, idle ones too, connections are closed with a bare 503; `Crowd` bounds the work."""


class PortTaken(PermanentError):  # noqa: N818 - it names the state of the port
    """A port can't be listened on."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; PortTaken when there can be none."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise PortTaken(f"can't listen on port {port}: {(error.strerror or str(error)).lower()}") from error
    made.set_inheritable(True)
    return made


class Listeners:
    """Serves each application on its socket."""

    def __init__(self, served: Sequence[tuple[socket.socket, ASGIApp]], *, goodbye_s: float) -> None:
        self._sockets = [listening for listening, _ in served]
        self._servers = [_Server(_configuration(app, goodbye_s)) for _, app in served]

    async def serve(self) -> None:
        """Return when all of them have ended, after `end`; answers that have begun get `goodbye_s` seconds."""
        pairs = zip(self._servers, self._sockets, strict=True)
        async with asyncio.TaskGroup() as group:
            for server, listening in pairs:
                group.create_task(server.serve([listening]))

    def end(self) -> None:
        """Accept nothing more, and end."""
        for server in self._servers:
            server.should_exit = True

    @property
    def started(self) -> bool:
        """Whether all of them answer."""
        return all(server.started for server in self._servers)


def _configuration(app: ASGIApp, goodbye_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,  # RequestLog has its own
        log_config=None,
        lifespan="off",
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(goodbye_s),
    )

"""Ports of 127.0.0.1 that lead into the cluster's network, the only way in.

The listening sockets are made in the host's network namespace and handed to a process in the control plane's: each
connection is accepted out there and goes on in here, with nothing routed between.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Mapping

from cluster_harness import cgroups, command, network
from cluster_harness.layout import NAME, Layout
from cluster_harness.names import resolve
from cluster_harness.power import environment

CHUNK = 256 << 10
CONNECT_S = 5.0
GROUP = f"/{NAME}/host"


def listen(preferred: int) -> socket.socket:
    """A socket on that port of 127.0.0.1, or on a free one when it is taken."""
    for port in (preferred, 0):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            listening.close()
            if port == 0:
                raise
            continue
        listening.listen(128)
        return listening
    raise AssertionError("the loop returns or raises")


def start(layout: Layout, targets: Mapping[str, socket.socket]) -> None:
    """Begin to forward each socket to its target, `HOST:PORT` of the cluster's network."""
    cgroups.create(GROUP)
    pairs = [f"{listening.fileno()}={target}" for target, listening in targets.items()]
    program = [sys.executable, "-m", "cluster_harness.forward", *pairs]
    command.start(
        [*cgroups.enter(GROUP), *network.inside(layout.control), *program],
        log=layout.control.logs / "forward.log",
        environment=environment(),
        sockets=list(targets.values()),
    )


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _serve(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = target.rpartition(":")
    # either side may be gone at any time; the other is then closed too, which is all that is left to do
    with contextlib.suppress(OSError), contextlib.closing(writer):
        if (address := await resolve(host)) is None:
            return
        async with asyncio.timeout(CONNECT_S):
            far_reader, far_writer = await asyncio.open_connection(address, int(port), limit=CHUNK)
        with contextlib.closing(far_writer):
            async with asyncio.TaskGroup() as group:
                group.create_task(_quietly(reader, far_writer))
                group.create_task(_quietly(far_reader, writer))


async def _quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until either side ends; a reset ends the other direction as well."""
    try:
        await _copy(reader, writer)
    except OSError:
        writer.transport.abort()


async def main(pairs: list[str]) -> None:
    """Forward `FD=HOST:PORT` for each of the pairs, for ever."""
    async with asyncio.TaskGroup() as group:
        for pair in pairs:
            number, _, target = pair.partition("=")
            listening = socket.socket(fileno=int(number))

            async def accepted(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str = target
            ) -> None:
                await _serve(target, reader, writer)

            server = await asyncio.start_server(accepted, sock=listening, limit=CHUNK)
            group.create_task(server.serve_forever())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

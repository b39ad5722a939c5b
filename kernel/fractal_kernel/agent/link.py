"""The agent's end of the Unix socket that rank 0 connects to: messages in, messages out, each world under its epoch."""

import asyncio
from pathlib import Path
from typing import Final, Protocol, cast

from fractal_kernel import wire

READ: Final = 1 << 18
"""Bytes that one system call takes from the socket, at most."""


class Listener(Protocol):
    """Who hears what worlds say."""

    def heard(self, epoch: int, message: wire.ToAgent) -> None:
        """A world said this; its first word is Ready."""

    def link_closed(self, epoch: int, reason: str) -> None:
        """A world that had said Ready says no more."""


class Link:
    """A server for one world at a time. A connection belongs to the epoch that it names in its first message."""

    def __init__(self, path: Path, listener: Listener) -> None:
        self.path = path
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._expected: int | None = None
        self._connections: dict[int, asyncio.Transport] = {}

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), str(self.path))

    def expect(self, epoch: int | None) -> None:
        """Let only the world of this epoch connect from now on; the connections of others are closed."""
        self._expected = epoch
        for other in [one for one in self._connections if one != epoch]:
            self._connections.pop(other).abort()

    def send(self, epoch: int, message: wire.ToWorld) -> None:
        """Say something to the world of this epoch; nothing happens when it is no longer there."""
        if transport := self._connections.get(epoch):
            transport.writelines(wire.encode(message))

    async def close(self) -> None:
        """Listen no more."""
        self.expect(None)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    # ---- what connections tell -------------------------------------------------------------------------------------

    def admit(self, epoch: int, transport: asyncio.Transport) -> bool:
        """Whether a connection that names this epoch may speak."""
        if epoch != self._expected or epoch in self._connections:
            return False
        self._connections[epoch] = transport
        return True

    def pass_on(self, epoch: int, message: wire.ToAgent) -> None:
        """Hand on what a world said, unless it is of the past."""
        if epoch in self._connections:
            self._listener.heard(epoch, message)

    def lost(self, epoch: int, reason: str) -> None:
        """A connection has ended; its world is told about unless we ended it ourselves."""
        if self._connections.pop(epoch, None) is not None:
            self._listener.link_closed(epoch, reason)


class _Connection(asyncio.BufferedProtocol):
    """One connection: bytes to messages. What arrives lies in the same memory each time: new memory takes longer."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._memory = bytearray(READ)
        self._decoder = wire.Decoder[wire.ToAgent](wire.TO_AGENT)
        self._transport: asyncio.Transport | None = None
        self._epoch: int | None = None
        self._reason = "rank 0 closed its connection"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - all there is
        return self._memory

    def buffer_updated(self, nbytes: int) -> None:
        try:
            for message in self._decoder.feed(memoryview(self._memory)[:nbytes]):
                self._take(message)
        except wire.WireError as error:
            self._reason = str(error)
            self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._epoch is not None:
            self._link.lost(self._epoch, f"the connection to rank 0 broke: {exc}" if exc else self._reason)

    def _take(self, message: wire.ToAgent) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._epoch is not None:
            self._link.pass_on(self._epoch, message)
        elif isinstance(message, wire.Ready) and self._link.admit(message.epoch, self._transport):
            self._epoch = message.epoch
            self._link.pass_on(message.epoch, message)
        else:
            self._abort()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

"""Rank 0's end of the agent's socket: polled, never waited for."""

import socket
from collections import deque
from itertools import islice
from typing import Final

from fractal_api.errors import TemporaryError
from fractal_kernel.wire import TO_WORLD, Decoder, ToAgent, ToWorld, encode

READ: Final = 1 << 18
BUFFERS: Final = 64
"""Buffers that one system call writes."""


class LinkLost(TemporaryError):  # noqa: N818 - it names what happened to the link
    """The agent is gone."""


class Link:
    """A connection to the agent that listens on the Unix socket `path`; LinkLost when nobody does."""

    def __init__(self, path: str) -> None:
        self._decoder: Decoder[ToWorld] = Decoder(TO_WORLD)
        self._outgoing: deque[memoryview] = deque()
        self.unsent = 0
        """Bytes that the agent has not taken yet."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise LinkLost(f"no agent listens on {path}: {error.strerror}") from error
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """The file descriptor, for select."""
        return self._socket.fileno()

    def send(self, message: ToAgent) -> None:
        """Says something to the agent, now or when it listens."""
        for buffer in encode(message):
            self._outgoing.append(memoryview(buffer))
            self.unsent += len(buffer)
        self.flush()

    def receive(self) -> list[ToWorld]:
        """What the agent has said; LinkLost when it is gone, WireError when it talks nonsense."""
        try:
            data = self._socket.recv(READ)
        except BlockingIOError:
            return []
        except OSError as error:
            raise LinkLost(f"the agent's connection broke: {error.strerror}") from error
        if not data:
            raise LinkLost("the agent closed its connection")
        return self._decoder.feed(data)

    def flush(self) -> bool:
        """Writes what the agent takes; whether that was anything."""
        before = self.unsent
        while self._outgoing:
            try:
                written = self._socket.sendmsg(islice(self._outgoing, BUFFERS))
            except BlockingIOError:
                break
            except OSError as error:
                raise LinkLost(f"the agent's connection broke: {error.strerror}") from error
            self._drop(written)
        return self.unsent < before

    def close(self) -> None:
        """Says no more."""
        self._socket.close()

    def _drop(self, written: int) -> None:
        """Forgets that many bytes."""
        self.unsent -= written
        while written:
            first = self._outgoing.popleft()
            if written < len(first):
                self._outgoing.appendleft(first[written:])
                return
            written -= len(first)

"""Waking a rank on the same machine, so that nobody has to look for messages that didn't come.

MPI can't sleep until a message arrives: its waiting spins. Ranks that share a machine ring at each other's door after
each message instead: an empty datagram to a Unix socket without a file. Between machines a rank has to look.
"""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a rank can be rung at, and by whom: those of the same kernel and network."""

    kernel: str
    network: int
    address: bytes

    def is_beside(self, other: "Door") -> bool:
        """Whether the one can ring at the other."""
        return (self.kernel, self.network) == (other.kernel, other.network)


class Bells:
    """This rank's door, and those of the others once they are known."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("")  # the kernel chooses an abstract address, which ends with the socket
        self.door = Door(
            kernel=Path("/proc/sys/kernel/random/boot_id").read_text(),
            network=os.stat("/proc/self/ns/net").st_ino,  # noqa: PTH116 - Path.stat is the same in more words
            address=self._socket.getsockname(),
        )
        self._near: dict[int, bytes] = {}

    def fileno(self) -> int:
        """The file descriptor, readable when somebody rang."""
        return self._socket.fileno()

    def meet(self, doors: "Sequence[Door]", ranks: "Sequence[int]") -> bool:
        """Learns the doors of all ranks; whether every one of `ranks` can be rung at, and so can ring here."""
        self._near = {rank: doors[rank].address for rank in ranks if doors[rank].is_beside(self.door)}
        return len(self._near) == len(ranks)

    def ring(self, rank: int) -> None:
        """Wakes a rank, if it is on this machine."""
        if rank in self._near:
            # Full means that the rank has been rung at and not come yet; gone, that it has died: MPI will say so.
            with suppress(BlockingIOError, ConnectionRefusedError):
                self._socket.sendto(b"", self._near[rank])

    def close(self) -> None:
        """Can't be rung at any more."""
        self._socket.close()

    def hush(self) -> None:
        """Takes note of all rings so far; to be called before looking for messages."""
        with suppress(BlockingIOError):
            while True:
                self._socket.recv(1)

"""Waiting until every peer of a world can be reached by mpirun: its name resolves and its sshd answers.

mpirun fails as a whole when one peer isn't there yet, with words that name no peer; so the agent knocks first.
`decide` is the policy and touches nothing; `knock` is the only input and output.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fractal_api.errors import TemporaryError

SSH_PORT: Final = 2222
"""Where a pod's sshd listens: it runs without root."""

_KNOCK_TIMEOUT_S: Final = 3.0
_RETRY_S: Final = 0.2
_PREAMBLE_LINES: Final = 32
"""A server may say other lines before its version (RFC 4253, 4.2); a reasonable one says few."""


class Trouble(StrEnum):
    """What keeps a peer from being ready, as the end of a sentence that starts with the peer's name."""

    UNKNOWN = "was not tried yet"
    UNRESOLVED = "has a name that does not resolve"
    REFUSED = "refuses connections"
    UNREACHABLE = "can't be reached"
    SILENT = "accepts connections but sends no SSH banner"
    FOREIGN = "answers with something other than SSH"


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """A pod, or another host, on which ranks are to run."""

    host: str
    port: int = SSH_PORT

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class PeersAway(TemporaryError):  # noqa: N818 - it names the state of the peers
    """Some peers were not ready before the deadline; the message names each and what is the matter with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Every peer answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """These peers are to be knocked at again, for this reason."""

    peers: tuple[Peer, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The deadline has passed, and this is why."""

    reason: str


def decide(troubles: Mapping[Peer, Trouble | None], elapsed_s: float, deadline_s: float) -> Ready | Retry | GiveUp:
    """What to do after a round of knocking; a trouble of None means that the peer answered."""
    away = {peer: trouble for peer, trouble in sorted(troubles.items()) if trouble is not None}
    if not away:
        return Ready()
    listed = "; ".join(f"{peer} {trouble}" for peer, trouble in away.items())
    answered = f"{len(troubles) - len(away)} of {len(troubles)} peers are ready"
    if elapsed_s >= deadline_s:
        return GiveUp(reason=f"after {elapsed_s:.0f} s {answered}: {listed}")
    return Retry(peers=tuple(away), reason=f"{answered}: {listed}")


async def wait_for_peers(
    peers: Sequence[Peer], *, deadline_s: float, report: Callable[[str], None] = lambda _: None
) -> None:
    """Return when every peer's name resolves and its SSH port answers; PeersAway after `deadline_s`.

    `report` gets the reason for waiting each time that it changes.
    """
    clock = asyncio.get_running_loop().time
    start = clock()
    troubles: dict[Peer, Trouble | None] = dict.fromkeys(peers, Trouble.UNKNOWN)
    reported = ""
    while True:
        match decide(troubles, clock() - start, deadline_s):
            case Ready():
                return
            case GiveUp(reason=reason):
                raise PeersAway(reason)
            case Retry(peers=away, reason=reason):
                # The first round has nothing to tell.
                if reason != reported and Trouble.UNKNOWN not in troubles.values():
                    reported = reason
                    report(reason)
        left_s = deadline_s - (clock() - start)
        async with asyncio.TaskGroup() as group:
            knocks = {peer: group.create_task(knock(peer, min(_KNOCK_TIMEOUT_S, left_s))) for peer in away}
        troubles |= {peer: task.result() for peer, task in knocks.items()}
        if any(troubles.values()):
            await asyncio.sleep(min(_RETRY_S, max(0.0, deadline_s - (clock() - start))))


async def knock(peer: Peer, timeout_s: float) -> Trouble | None:
    """What is the matter with a peer, or None when its sshd named its version; never raises."""
    found = Trouble.UNRESOLVED
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
            found = Trouble.UNREACHABLE
            reader, writer = await asyncio.open_connection(peer.host, peer.port)
            found = Trouble.SILENT
            try:
                return await _read_banner(reader)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except ConnectionRefusedError:
        return Trouble.REFUSED
    except OSError:  # socket.gaierror and TimeoutError are among them
        return found


async def _read_banner(reader: asyncio.StreamReader) -> Trouble | None:
    """None when the peer says that it speaks SSH."""
    try:
        for number in range(_PREAMBLE_LINES):
            line = await reader.readline()
            if line.startswith(b"SSH-"):
                return None
            if not line:
                return Trouble.FOREIGN if number else Trouble.SILENT
    except ValueError:  # a line longer than the reader's limit
        return Trouble.FOREIGN
    return Trouble.FOREIGN

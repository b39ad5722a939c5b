"""Waiting for peers: the decision as a table, the knocking against servers on the loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

import pytest

from fractal_kernel.agent.peers import (
    GiveUp,
    Peer,
    PeersAway,
    Ready,
    Retry,
    Trouble,
    decide,
    knock,
    wait_for_peers,
)

A = Peer("mpi-node-0.mpi-node")
B = Peer("mpi-node-1.mpi-node")


@pytest.mark.parametrize(
    ("troubles", "elapsed_s", "expected"),
    [
        pytest.param({}, 0, Ready(), id="no peers at all"),
        pytest.param({A: None, B: None}, 99, Ready(), id="ready counts even after the deadline"),
        pytest.param(
            {A: None, B: Trouble.REFUSED},
            9.9,
            Retry(peers=(B,), reason="1 of 2 peers are ready: mpi-node-1.mpi-node:2222 refuses connections"),
            id="only the missing one is tried again",
        ),
        pytest.param(
            {B: Trouble.SILENT, A: Trouble.UNRESOLVED},
            10,
            GiveUp(
                reason="after 10 s 0 of 2 peers are ready: "
                "mpi-node-0.mpi-node:2222 has a name that does not resolve; "
                "mpi-node-1.mpi-node:2222 accepts connections but sends no SSH banner"
            ),
            id="the deadline names each peer and its trouble",
        ),
    ],
)
def test_the_next_step_follows_from_what_the_peers_said(
    troubles: dict[Peer, Trouble | None], elapsed_s: float, expected: Ready | Retry | GiveUp
) -> None:
    assert decide(troubles, elapsed_s, deadline_s=10) == expected


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def saying(words: bytes) -> Handler:
    """A server that says its words and then waits for the caller to leave."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        await close(writer)

    return handle


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await close(writer)


@contextlib.asynccontextmanager
async def serving(handler: Handler, port: int = 0) -> AsyncIterator[Peer]:
    """The handler behind a port of the loopback; leaves no conversation behind."""
    calls: list[asyncio.Task[None]] = []

    def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(asyncio.ensure_future(handler(reader, writer)))

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield Peer("127.0.0.1", server.sockets[0].getsockname()[1])
        await asyncio.gather(*calls)


@pytest.fixture
def vacant() -> Iterator[int]:
    """A port at which nobody listens, and which nobody else is given: it stays bound."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or the test's own server could not come there
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        pytest.param(saying(b"SSH-2.0-OpenSSH_9.2p1\r\n"), None, id="sshd"),
        pytest.param(saying(b"Authorized use only\r\nSSH-2.0-x\r\n"), None, id="sshd after a preamble"),
        pytest.param(saying(b"HTTP/1.1 400 Bad Request\r\n" * 40), Trouble.FOREIGN, id="a talkative stranger"),
        pytest.param(saying(b"x" * 200_000), Trouble.FOREIGN, id="an endless line"),
        pytest.param(hang_up, Trouble.SILENT, id="hangs up at once"),
    ],
)
async def test_a_knock_tells_an_sshd_from_everything_else(handler: Handler, expected: Trouble | None) -> None:
    async with serving(handler) as peer:
        assert await knock(peer, timeout_s=30) is expected


async def test_a_knock_does_not_wait_for_ever_for_a_word() -> None:
    async with serving(saying(b"")) as peer:
        assert await knock(peer, timeout_s=1) is Trouble.SILENT


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        pytest.param(Peer("mpi-node-7.invalid"), Trouble.UNRESOLVED, id="no such name"),
        pytest.param(Peer("255.255.255.255"), Trouble.UNREACHABLE, id="no way there"),
    ],
)
async def test_a_knock_says_what_keeps_it_from_the_peer(peer: Peer, expected: Trouble) -> None:
    assert await knock(peer, timeout_s=30) is expected


async def test_a_port_at_which_nobody_listens_refuses(vacant: int) -> None:
    assert await knock(Peer("127.0.0.1", vacant), timeout_s=30) is Trouble.REFUSED


async def test_waiting_ends_when_the_last_peer_has_come(vacant: int) -> None:
    late = Peer("127.0.0.1", vacant)
    told = asyncio.Event()
    reasons: list[str] = []

    def report(reason: str) -> None:
        reasons.append(reason)
        told.set()

    async with serving(saying(b"SSH-2.0-x\r\n")) as early:
        waiting = asyncio.create_task(wait_for_peers([early, late], deadline_s=30, report=report))
        await told.wait()
        assert not waiting.done()
        async with serving(saying(b"SSH-2.0-x\r\n"), late.port):
            await waiting
    assert reasons == [f"1 of 2 peers are ready: {late} refuses connections"]


async def test_waiting_ends_at_the_deadline_with_the_peers_that_are_missing(vacant: int) -> None:
    missing = Peer("127.0.0.1", vacant)
    async with serving(saying(b"SSH-2.0-x\r\n")) as ready:
        with pytest.raises(PeersAway, match=rf"^after \d s 1 of 2 peers are ready: {missing} refuses connections$"):
            await wait_for_peers([ready, missing], deadline_s=1.5)


async def test_a_silent_peer_cannot_stretch_the_deadline() -> None:
    clock = asyncio.get_running_loop().time
    start = clock()
    async with serving(saying(b"")) as silent:
        with pytest.raises(PeersAway, match="no SSH banner"):
            await wait_for_peers([silent], deadline_s=0.3)
    assert clock() - start < 3  # which one knock alone may take


async def test_a_world_without_peers_need_not_wait() -> None:
    await wait_for_peers([], deadline_s=0)

"""Rank 0's end of the socket: it takes what it gets, and writes what is taken."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fractal_kernel.wire import TO_AGENT, Cancel, Decoder, Pause, Started, Tiles, ToAgent, encode
from fractal_kernel.world.link import Link, LinkLost


@pytest.fixture
def server(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "agent.sock"))
        server.listen(1)
        yield server


@pytest.fixture
def link(server: socket.socket) -> Iterator[Link]:
    link = Link(server.getsockname())
    yield link
    link.close()


@pytest.fixture
def agent(server: socket.socket, link: Link) -> Iterator[socket.socket]:
    assert link.unsent == 0
    agent, _ = server.accept()
    with agent:
        agent.settimeout(10)
        yield agent


def test_nothing_said_is_nothing_heard(link: Link, agent: socket.socket) -> None:
    assert agent.fileno() > 0
    assert link.receive() == []


def test_what_the_agent_says_is_heard_in_order(link: Link, agent: socket.socket) -> None:
    for message in (Pause(), Cancel(run="a-1")):
        agent.sendall(b"".join(encode(message)))
    assert link.receive() == [Pause(), Cancel(run="a-1")]


def test_a_large_message_waits_for_the_agent_and_arrives_whole(link: Link, agent: socket.socket) -> None:
    blob = bytes(range(256)) * 40_000
    large = Tiles(run="a-1", rank=1, iterations=9, seconds=0.5, work=7.0, tiles=((0, blob),))
    link.send(large)
    link.send(Started(run="b-1"))
    assert link.unsent > 5_000_000
    decoder = Decoder[ToAgent](TO_AGENT)
    heard: list[ToAgent] = []
    while len(heard) < 2:
        heard += decoder.feed(agent.recv(1 << 16))
        link.flush()
    assert heard == [large, Started(run="b-1")]
    assert link.unsent == 0


def test_an_agent_that_has_gone_is_noticed_by_reading(link: Link, agent: socket.socket) -> None:
    agent.close()
    with pytest.raises(LinkLost):
        link.receive()


def test_an_agent_that_has_gone_is_noticed_by_writing(link: Link, agent: socket.socket) -> None:
    agent.close()
    with pytest.raises(LinkLost):
        link.send(Started(run="a-1"))


def test_without_an_agent_there_is_no_link(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="no agent listens"):
        Link(str(tmp_path / "nobody.sock"))

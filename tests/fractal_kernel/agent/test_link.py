"""The socket between an agent and rank 0, from the agent's side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fractal_kernel import wire
from fractal_kernel.agent.link import Link

EPOCH = 7


class Ear:
    def __init__(self) -> None:
        self.heard_messages: asyncio.Queue[tuple[int, wire.ToAgent]] = asyncio.Queue()
        self.closed: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    def heard(self, epoch: int, message: wire.ToAgent) -> None:
        self.heard_messages.put_nowait((epoch, message))

    def link_closed(self, epoch: int, reason: str) -> None:
        self.closed.put_nowait((epoch, reason))


class RankZero:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, link: Link) -> "RankZero":
        return cls(*await asyncio.open_unix_connection(str(link.path)))

    def say(self, message: wire.ToAgent) -> None:
        self.writer.writelines(wire.encode(message))

    async def hear(self) -> list[wire.ToWorld]:
        return wire.Decoder[wire.ToWorld](wire.TO_WORLD).feed(await self.reader.read(1 << 16))

    async def is_cut_off(self) -> bool:
        try:
            return await self.reader.read(1) == b""
        except ConnectionResetError:
            return True

    async def close(self) -> None:
        self.writer.close()
        await asyncio.wait([asyncio.create_task(self.writer.wait_closed())])


Connect = Callable[[], Awaitable[RankZero]]


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def link(tmp_path_factory: pytest.TempPathFactory, ear: Ear) -> AsyncIterator[Link]:
    made = Link(tmp_path_factory.mktemp("l") / "s", ear)
    await made.open()
    made.expect(EPOCH)
    yield made
    await made.close()


@pytest.fixture
async def connect(link: Link) -> AsyncIterator[Connect]:
    ranks: list[RankZero] = []

    async def make() -> RankZero:
        ranks.append(await RankZero.connect(link))
        return ranks[-1]

    yield make
    for rank in ranks:
        await rank.close()


def ready(epoch: int = EPOCH) -> wire.Ready:
    return wire.Ready(epoch=epoch, hosts=("a",), pids=(1,))


async def test_a_world_that_names_its_epoch_is_heard_and_spoken_to(link: Link, ear: Ear, connect: Connect) -> None:
    rank = await connect()
    rank.say(ready())
    rank.say(wire.Started(run="a-1"))
    assert await ear.heard_messages.get() == (EPOCH, ready())
    assert await ear.heard_messages.get() == (EPOCH, wire.Started(run="a-1"))
    link.send(EPOCH, wire.Pause())
    assert await rank.hear() == [wire.Pause()]
    await rank.close()
    assert await ear.closed.get() == (EPOCH, "rank 0 closed its connection")


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(ready(EPOCH - 1), id="an older world"),
        pytest.param(wire.Started(run="a-1"), id="no word of its epoch"),
    ],
)
async def test_others_are_shown_the_door(connect: Connect, ear: Ear, first: wire.ToAgent) -> None:
    rank = await connect()
    rank.say(first)
    assert await rank.is_cut_off()
    assert ear.heard_messages.empty()
    assert ear.closed.empty()


async def test_a_second_world_of_the_same_epoch_is_not_heard(ear: Ear, connect: Connect) -> None:
    first, second = await connect(), await connect()
    first.say(ready())
    await ear.heard_messages.get()
    second.say(ready())
    assert await second.is_cut_off()


async def test_the_connection_of_an_older_world_is_cut_without_a_word(link: Link, ear: Ear, connect: Connect) -> None:
    rank = await connect()
    rank.say(ready())
    await ear.heard_messages.get()
    link.expect(EPOCH + 1)
    assert await rank.is_cut_off()
    link.send(EPOCH, wire.Pause())
    assert ear.closed.empty()


async def test_nonsense_ends_the_connection_and_says_why(ear: Ear, connect: Connect) -> None:
    rank = await connect()
    rank.say(ready())
    await ear.heard_messages.get()
    rank.writer.write(b"\xff" * 8)
    epoch, reason = await ear.closed.get()
    assert epoch == EPOCH
    assert "over the limit" in reason

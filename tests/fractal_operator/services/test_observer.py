"""Following an agent's log, over a fake of the API server's streams."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest
from support.operator_worlds import seen_pod

from fractal_api.events import Event, Heartbeat, Lost, Ready, Retried, Waiting, encode
from fractal_operator.adapters.api_errors import ApiAway, Invalid
from fractal_operator.core.world_scene import PodSeen
from fractal_operator.services import observer
from fractal_operator.services.observer import Observer

if TYPE_CHECKING:
    from fractal_operator.adapters.api import Api

START = 1_795_764_714


def line(second: int, event: Event | bytes) -> bytes:
    """A line that was written so long after the start."""
    stamp = datetime.fromtimestamp(START + second, UTC).strftime("%Y-%m-%dT%H:%M:%S.5Z")
    return stamp.encode() + b" " + (event if isinstance(event, bytes) else encode(event).encode())


def beat(number: int) -> Heartbeat:
    return Heartbeat(epoch=1, ranks=2, busy=0, iterations=number)


class Logs:
    """Streams, one for each opening; a stream ends when its lines are over, and raises what stands among them."""

    def __init__(self, *streams: list[bytes | Exception]) -> None:
        self.streams = list(streams)
        self.queries: list[dict[str, str]] = []
        self.over = asyncio.Event()
        self.opened = asyncio.Semaphore(0)

    async def lines(self, path: str, **query: str) -> AsyncGenerator[bytes, None]:
        assert path == "/api/v1/namespaces/w1/pods/mpi-node-0/log"
        self.queries.append(query)
        self.opened.release()
        if not self.streams:
            self.over.set()
            await asyncio.Event().wait()
        for each in self.streams.pop(0):
            if isinstance(each, Exception):
                raise each
            yield each


class World:
    """A world whose agent runs in a pod."""

    def __init__(self) -> None:
        self.pod = seen_pod(0)
        self.words: list[str] = []
        self.heard: list[tuple[str, Event]] = []

    async def agent(self, world: str) -> PodSeen:  # noqa: ARG002 - there is one world
        return self.pod

    def incarnation(self, world: str, uid: str) -> str:  # noqa: ARG002 - there is one world
        return self.pod.incarnation if uid == self.pod.uid else ""

    def tell(self, world: str, words: str) -> None:  # noqa: ARG002 - there is one world
        self.words.append(words)

    def hear(self, world: str, incarnation: str, event: Event) -> None:
        assert world == "w1"
        self.heard.append((incarnation, event))

    @property
    def beats(self) -> list[int]:
        return [event.iterations for _, event in self.heard if isinstance(event, Heartbeat)]


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "FIRST_RETRY_S", 0.001)
    monkeypatch.setattr(observer, "MOST_RETRY_S", 0.001)


@asynccontextmanager
async def following(logs: Logs, world: World) -> AsyncIterator[None]:
    """Follow until every stream was read."""
    task = asyncio.create_task(Observer(cast("Api", logs), worlds=world, hear=world.hear).follow("w1"))
    try:
        await asyncio.wait_for(logs.over.wait(), 30)
        yield
    finally:
        task.cancel()


async def test_events_are_passed_on_in_their_order_with_the_agents_name() -> None:
    world = World()
    async with following(Logs([line(1, beat(1)), line(2, beat(2))]), world):
        assert world.beats == [1, 2]
        assert {incarnation for incarnation, _ in world.heard} == {world.pod.incarnation}


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe\x00",
        b"no time",
        line(1, b"[STATUS] {"),
        line(1, b'[STATUS] {"v":9}'),
        line(1, b"[STATUS] " + b"[" * 9999),
    ],
    ids=["empty", "binary", "no time", "cut", "unknown", "nested"],
)
async def test_garbage_is_passed_over(garbage: bytes) -> None:
    world = World()
    async with following(Logs([garbage, line(2, beat(2))]), world):
        assert world.beats == [2]


async def test_a_stream_that_ended_is_taken_up_after_the_last_line() -> None:
    world, logs = World(), Logs([line(1, beat(1)), line(2, beat(2))], [line(2, beat(2)), line(3, beat(3))])
    async with following(logs, world):
        assert world.beats == [1, 2, 3]
        assert logs.queries[0] == {"follow": "true", "timestamps": "true", "tailLines": "100"}
        assert logs.queries[1] == {"follow": "true", "timestamps": "true", "sinceTime": "2026-11-27T07:31:56Z"}


async def test_another_pods_log_is_read_from_its_beginning() -> None:
    world = World()

    class Replaced(Logs):
        async def lines(self, path: str, **query: str) -> AsyncGenerator[bytes, None]:
            if self.queries:
                world.pod = seen_pod(0, ready=True, restarts=0)
                world.pod = PodSeen(name="mpi-node-0", uid="another", ip="10.0.0.9")
            async for each in super().lines(path, **query):
                yield each

    logs = Replaced([line(5, beat(5))], [], [line(1, beat(1))])
    async with following(logs, world):
        assert world.beats == [5, 1]
        assert "tailLines" in logs.queries[2]


async def test_a_container_that_was_started_anew_is_called_by_its_new_name() -> None:
    """What comes after the news of the restart may still be the former container's: it is read again."""
    world = World()

    class Restarted(Logs):
        async def lines(self, path: str, **query: str) -> AsyncGenerator[bytes, None]:
            async for each in super().lines(path, **query):
                yield each
                world.pod = seen_pod(0, restarts=1)

    async with following(Restarted([line(1, beat(1)), line(2, beat(2))], [line(3, beat(3))]), world):
        assert [
            (incarnation, event.iterations) for incarnation, event in world.heard if isinstance(event, Heartbeat)
        ] == [
            ("uid-0.0", 1),
            ("uid-0.1", 3),
        ]


async def test_retries_that_another_leader_has_counted_are_not_counted_again() -> None:
    world = World()
    retried = Retried(run="r", cause="late", message="no rank answered")
    logs = Logs([line(1, retried), line(2, beat(2)), line(9, retried)])
    follower = Observer(cast("Api", logs), worlds=world, hear=world.hear, clock=lambda: START + 5.0)
    task = asyncio.create_task(follower.follow("w1"))
    await asyncio.wait_for(logs.over.wait(), 30)
    task.cancel()
    assert [event for _, event in world.heard] == [beat(2), retried]


@pytest.mark.parametrize(
    "error", [Invalid("container is waiting to start"), ApiAway("lost"), RuntimeError("a bug")], ids=str
)
async def test_a_stream_that_fails_is_opened_again(error: Exception) -> None:
    world = World()
    async with following(Logs([line(1, beat(1)), error], [error], [line(2, beat(2))]), world):
        assert world.beats == [1, 2]


async def test_a_silent_stream_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "SILENT_S", 0.05)
    world, logs = World(), Logs()
    async with following(logs, world):
        for _ in range(3):
            await asyncio.wait_for(logs.opened.acquire(), 30)


async def test_what_keeps_a_world_from_being_ready_is_told_to_its_keeper() -> None:
    world = World()
    events = [
        Waiting(what="peers", message="0 of 1 peers are ready"),
        Waiting(what="peers", message=""),
        Lost(epoch=1, cause="late", message="no rank answered"),
        Ready(epoch=2, ranks=2, hosts=2),
    ]
    async with following(Logs([line(number, event) for number, event in enumerate(events)]), world):
        assert world.words == ["0 of 1 peers are ready", "", "no rank answered", ""]
        assert [event for _, event in world.heard] == events


async def test_following_ends_when_it_is_told() -> None:
    ended, world = asyncio.Event(), World()

    async def wait() -> None:
        await ended.wait()

    watching = asyncio.create_task(
        Observer(cast("Api", Logs()), worlds=world, hear=world.hear).follow_until("w1", wait())
    )
    await asyncio.sleep(0)
    ended.set()
    await asyncio.wait_for(watching, 30)

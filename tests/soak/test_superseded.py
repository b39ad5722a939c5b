"""A world that its operator can't reach renders on while another begins the same picture anew: the store parts them."""

import asyncio
import dataclasses
import time
from collections.abc import Iterator

import pytest
from support.agent_process import AgentProcess, Place, make_place, remove_place, until
from support.joined_ledger import JoinedLedger, acknowledged_so_far, settled
from support.killing import FLYING_A_RANK, KEY, RUN
from support.redis_server import RedisServer
from support.truth import Truth

from fractal_api.events import Cancelled
from fractal_kernel.store.interface import StoredRun
from fractal_kernel.store.redis_store import RedisStore

NEWER = dataclasses.replace(KEY, attempt=2)
STOPS_S = 1.0
"""A cancelled world is free within 0.2 s; it may have a batch on the way, of 50 ms."""
BEGUN = {"Rendering", "Assembling", "Complete"}


@pytest.fixture
def redis(place: Place) -> Iterator[RedisServer]:
    folder = place.root / "redis"
    folder.mkdir()
    with RedisServer(folder) as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Place]:
    made = make_place()
    yield made
    remove_place(made)


async def open_newer(redis: RedisServer, truth: Truth) -> StoredRun:
    store = RedisStore(redis.url)
    try:
        return await store.open_run(NEWER, truth.key)
    finally:
        await store.close()


async def stored_image(redis: RedisServer) -> bytes:
    store = RedisStore(redis.url)
    try:
        return b"".join([chunk async for chunk in store.read_image(NEWER)])
    finally:
        await store.close()


def test_a_newer_attempt_stops_an_older_one_and_no_acknowledged_tile_is_rendered_twice(
    place: Place, elsewhere: Place, lasting: Truth, redis: RedisServer
) -> None:
    environment = {"FRACTAL_STORE": redis.url}
    with AgentProcess(place, ranks=2, environment=environment) as older:
        older.put(RUN, lasting.spec)
        until(lambda: acknowledged_so_far(place.ledger) >= lasting.tiles // 20, "some tiles")
        known = asyncio.run(open_newer(redis, lasting)).acknowledged
        handed_out = sum(JoinedLedger(place.ledger).handed_out().values())
        begun = time.monotonic()
        view = older.wait_for_end(RUN)
        assert time.monotonic() - begun < 3 * STOPS_S
        assert (view["phase"], view["reason"]) == ("Cancelled", "RunConflict"), view
        assert view["message"] == f"run {RUN}: attempt 2 was begun already"
        assert [event.message for event in older.events() if isinstance(event, Cancelled)] == [view["message"]]

        ledger = settled(place.ledger)
        in_vain = sum(ledger.handed_out().values()) - handed_out
        assert in_vain <= FLYING_A_RANK * 3, f"{in_vain} tiles were handed out after the newer attempt was opened"
        assert ledger.acknowledged() <= known
        assert asyncio.run(open_newer(redis, lasting)).acknowledged == known

        with AgentProcess(elsewhere, ranks=2, environment=environment) as newer:
            newer.put(NEWER.id, lasting.spec)
            view = newer.wait_for_end(NEWER.id)
            assert view["phase"] == "Complete", view
            assert newer.stop() == 0
        theirs = JoinedLedger(elsewhere.ledger)
        assert not theirs.handed_out().keys() & known
        assert max(theirs.handed_out().values()) == 1
        assert theirs.acknowledged() | known == set(range(lasting.tiles))
        assert asyncio.run(stored_image(redis)) == lasting.image

        # The world that was stopped is free for others.
        older.put("other-1", lasting.spec)
        until(lambda: older.view("other-1")["phase"] in BEGUN, "the next run begins")
        older.ask("DELETE", "/runs/other-1")
        assert older.stop() == 0

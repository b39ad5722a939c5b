"""A whole agent with a real Redis, which dies or hangs while a picture is rendered."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from support.agent_process import AgentProcess, Place, until
from support.held_ledger import HeldLedger
from support.joined_ledger import JoinedLedger, acknowledged_so_far, settled
from support.killing import KEY, RUN
from support.redis_server import RedisServer
from support.truth import Truth

from fractal_api.events import Backpressure, Waiting
from fractal_kernel.store.redis_store import RedisStore


@pytest.fixture
def redis(place: Place) -> Iterator[RedisServer]:
    folder = place.root / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()


async def stored_image(redis: RedisServer) -> bytes:
    store = RedisStore(redis.url)
    try:
        return b"".join([chunk async for chunk in store.read_image(KEY)])
    finally:
        await store.close()


def test_a_killed_redis_costs_time_and_nothing_else(place: Place, lasting: Truth, redis: RedisServer) -> None:
    with AgentProcess(place, ranks=2, environment={"FRACTAL_STORE": redis.url}) as agent:
        agent.put(RUN, lasting.spec)
        until(lambda: acknowledged_so_far(place.ledger) >= lasting.tiles // 20, "some tiles")
        redis.kill()
        until(lambda: any(isinstance(event, Waiting) for event in agent.events()), "the agent says what it waits for")
        time.sleep(0.5)  # ranks go on rendering into the spool meanwhile
        redis.start()
        view = agent.wait_for_end(RUN)
        assert view["phase"] == "Complete", view
        assert view["worldsLost"] == 0
        assert view["result"]["pixelsSha256"] == lasting.pixels_sha256
        assert agent.stop() == 0
    assert asyncio.run(stored_image(redis)) == lasting.image
    ledger = JoinedLedger(place.ledger)
    assert max(ledger.handed_out().values()) == 1
    assert ledger.rendered_after_acknowledged() == []


def test_a_store_that_hangs_pauses_rendering_when_the_spool_is_full(
    place: Place, truth: Truth, redis: RedisServer
) -> None:
    environment = {"FRACTAL_STORE": redis.url, "FRACTAL_SPOOL_BYTES": "30000"}
    with (
        HeldLedger(place.root / "held", place.ledger, tiles=truth.tiles // 10) as held,
        AgentProcess(place, ranks=2, environment=environment | {"FRACTAL_LEDGER": str(held.path)}) as agent,
    ):
        agent.put(RUN, truth.spec)
        held.wait()
        redis.pause()
        held.release()
        until(lambda: Backpressure(run=RUN, held_up=True) in agent.events(), "the agent pauses its world")
        assert len(settled(place.ledger).handed_out()) < truth.tiles
        redis.resume()
        assert agent.wait_for_end(RUN)["phase"] == "Complete"
        assert Backpressure(run=RUN, held_up=False) in agent.events()
        agent.stop()
    assert asyncio.run(stored_image(redis)) == truth.image


def test_a_complete_run_is_complete_at_once_for_a_new_agent(place: Place, truth: Truth, redis: RedisServer) -> None:
    environment = {"FRACTAL_STORE": redis.url}
    with AgentProcess(place, ranks=2, environment=environment) as agent:
        agent.put(RUN, truth.spec)
        assert agent.wait_for_end(RUN)["phase"] == "Complete"
        agent.stop()
    rendered = len(JoinedLedger(place.ledger).lines)
    with AgentProcess(place, ranks=1, environment=environment) as agent:
        assert agent.ask("GET", f"/runs/{RUN}")[0] == 404
        view = agent.put(RUN, truth.spec)
        assert (view["phase"], view["result"]["pixelsSha256"]) == ("Complete", truth.pixels_sha256)
        agent.wait_until_ready()
        assert len(JoinedLedger(place.ledger).lines) == rendered
        agent.stop()

"""What both stores take of an attempt when a newer one has been opened: no tile, no figures, but its last words."""

import asyncio
import itertools

import pytest
from redis.asyncio.client import Pipeline
from support.pictures import SPEC, run_key, tile, tiles
from support.stores import Backend, RedisBackend, connected

from fractal_kernel.store.interface import RunConflict, Store, StoreAway
from fractal_kernel.store.redis_watch import Watch

OLDER, NEWER = run_key(1), run_key(2)


async def test_tiles_of_an_older_attempt_are_refused_and_not_stored(store: Store) -> None:
    await store.open_run(OLDER, SPEC)
    await store.put_tiles(OLDER, tiles(1))
    assert (await store.open_run(NEWER, SPEC)).acknowledged == {1}
    for _ in range(2):
        with pytest.raises(RunConflict, match="attempt 2 was begun already"):
            await store.put_tiles(OLDER, [(1, b"another blob"), *tiles(2)])
    await store.put_tiles(NEWER, tiles(3))
    assert (await store.open_run(NEWER, SPEC)).acknowledged == {1, 3}
    assert await store.get_tile(NEWER, 1) == tile(1)[1]


@pytest.mark.parametrize("patience", range(0, 24, 3))
async def test_a_newer_attempt_knows_every_tile_that_was_acknowledged_and_none_comes_after(
    store: Store, patience: int
) -> None:
    """The older attempt stores batch after batch while the newer one is opened, at another moment each time."""
    acknowledged: set[int] = set()
    under_way = asyncio.Event()
    await store.open_run(OLDER, SPEC)

    async def store_for_ever() -> None:
        for index in itertools.count():
            await store.put_tiles(OLDER, tiles(index))
            acknowledged.add(index)
            under_way.set()

    async with asyncio.timeout(30):
        storing = asyncio.create_task(store_for_ever())
        await under_way.wait()
        for _ in range(patience):
            await asyncio.sleep(0)
        known = (await store.open_run(NEWER, SPEC)).acknowledged
        with pytest.raises(RunConflict):
            await storing
    assert known == acknowledged
    assert (await store.open_run(NEWER, SPEC)).acknowledged == known


async def test_figures_of_an_older_attempt_do_not_hide_those_of_the_newer_one(backend: Backend, store: Store) -> None:
    for run in (OLDER, NEWER):
        await store.open_run(run, SPEC)
        await store.write_live(run, {"run": run.id})
    with pytest.raises(RunConflict, match="attempt 2 was begun already"):
        await store.write_live(OLDER, {"run": OLDER.id})
    assert backend.live(NEWER) == {"run": NEWER.id}


async def test_an_older_attempt_may_say_how_it_ended(store: Store) -> None:
    for run in (OLDER, NEWER):
        await store.open_run(run, SPEC)
    await store.note(OLDER, {"ended-1": "Cancelled"})
    assert (await store.open_run(NEWER, SPEC)).facts == {"ended-1": "Cancelled"}


async def test_an_older_attempt_that_lets_go_does_not_close_the_newer_one(store: Store) -> None:
    for run in (OLDER, NEWER):
        await store.open_run(run, SPEC)
    await store.release(OLDER)
    await store.put_tiles(NEWER, tiles(1))
    with pytest.raises(RunConflict):
        await store.put_tiles(OLDER, tiles(2))
    assert (await store.open_run(NEWER, SPEC)).acknowledged == {1}


# ---- what only Redis can show ----------------------------------------------------------------------------------------


async def test_the_fence_stands_between_processes(redis: RedisBackend) -> None:
    async with connected(redis) as first, connected(redis) as second:
        await first.open_run(OLDER, SPEC)
        await first.put_tiles(OLDER, tiles(1))
        await second.open_run(NEWER, SPEC)
        with pytest.raises(RunConflict):
            await first.put_tiles(OLDER, tiles(2))
        assert (await second.open_run(NEWER, SPEC)).acknowledged == {1}


async def test_a_batch_costs_two_round_trips_and_leaves_the_run_s_hash_alone(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        await store.open_run(OLDER, SPEC)
        await store.put_tiles(OLDER, tiles(1))
        redis.admin.config_resetstat()
        await store.put_tiles(OLDER, tiles(2))
        reads = redis.admin.info("stats")["total_reads_processed"]
        calls = redis.admin.info("commandstats")
    assert reads == 3  # the last one is the question itself
    assert calls["cmdstat_expire"]["calls"] == 1  # that of the tiles: the hash is watched by others


async def test_a_server_that_lost_everything_keeps_older_attempts_out_all_the_same(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        for run in (OLDER, NEWER):
            await store.open_run(run, SPEC)
        redis.admin.flushall()
        await store.put_tiles(NEWER, tiles(1))
        with pytest.raises(RunConflict):
            await store.put_tiles(OLDER, tiles(2))
        with pytest.raises(RunConflict):
            await store.open_run(OLDER, SPEC)
        assert all(redis.admin.ttl(key) > 0 for key in redis.admin.scan_iter())
        assert (await store.open_run(NEWER, SPEC)).acknowledged == {1}


@pytest.mark.parametrize("moment", ["before it is asked", "between the question and the batch"])
async def test_a_server_that_hangs_holds_nobody_up_for_longer_than_the_timeout(
    redis: RedisBackend, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(redis, timeout_s=0.3) as store:
        await store.open_run(OLDER, SPEC)
        await store.put_tiles(OLDER, tiles(1))

        def hang_now(pipe: Watch) -> None:
            redis.server.pause()
            Pipeline.multi(pipe)

        if moment == "before it is asked":
            redis.server.pause()
        else:
            monkeypatch.setattr(Watch, "multi", hang_now)
        async with asyncio.timeout(10):
            with pytest.raises(StoreAway, match=r"did not answer within 0\.3 s"):
                await store.put_tiles(OLDER, tiles(2))
            with pytest.raises(StoreAway):
                await store.open_run(NEWER, SPEC)
        monkeypatch.undo()
        redis.server.resume()
        async with asyncio.timeout(10):
            await store.put_tiles(OLDER, tiles(3))
        assert {1, 3} <= (await store.open_run(OLDER, SPEC)).acknowledged


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 12])
async def test_a_batch_that_is_given_up_does_not_confuse_the_next_one(redis: RedisBackend, steps: int) -> None:
    async with connected(redis) as store:
        await store.open_run(OLDER, SPEC)
        await store.put_tiles(OLDER, tiles(1))
        with redis.hanging(OLDER):
            waiting = asyncio.create_task(store.put_tiles(OLDER, tiles(2)))
            for _ in range(steps):
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(waiting, 5)
        await store.put_tiles(OLDER, tiles(3))
        assert await store.get_tile(OLDER, 3) == tile(3)[1]
        assert {1, 3} <= (await store.open_run(OLDER, SPEC)).acknowledged

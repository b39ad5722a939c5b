"""What only the Redis store promises."""

import asyncio
from pathlib import Path

import pytest
from redis import exceptions
from support.pictures import IMAGE, SPEC, put_image, record_of, run_key, tiles
from support.redis_server import MISSING, RedisServer
from support.stores import PASSWORD, USER, RedisBackend, connected

from fractal_api.errors import FractalError
from fractal_kernel.store.interface import RunConflict, StoreAway, StoreCorrupt, StoreFull, StoreUnsafe
from fractal_kernel.store.redis_link import translate
from fractal_kernel.store.redis_store import RedisStore


async def test_a_batch_is_one_write_of_all_its_tiles(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        await store.open_run(run_key(), SPEC)
        redis.admin.config_resetstat()
        await store.put_tiles(run_key(), tiles(*range(50)))
    calls = redis.admin.info("commandstats")
    assert calls["cmdstat_hset"]["calls"] == 1


async def test_every_key_expires_at_every_moment(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        run = run_key(attempt=2)

        async def check() -> None:
            assert all(redis.admin.ttl(key) > 0 for key in redis.admin.scan_iter())

        await store.open_run(run, SPEC)
        await check()
        await store.note(run, {"state": "Running"})
        await store.put_tiles(run, tiles(1))
        await store.write_live(run, {"percent": "1"})
        await check()
        await put_image(store, run)
        await check()
        await store.commit(run, record_of(attempt=2))
        await check()


async def test_a_server_that_dies_is_away_and_the_same_store_works_after_its_restart(redis: RedisBackend) -> None:
    async with connected(redis, timeout_s=3) as store:
        await store.open_run(run_key(), SPEC)
        await store.put_tiles(run_key(), tiles(1))
        with redis.absent(), pytest.raises(StoreAway, match="can't be used"):
            await store.put_tiles(run_key(), tiles(2))
        await store.put_tiles(run_key(), tiles(3))
        assert (await store.open_run(run_key(), SPEC)).acknowledged == {1, 3}


async def test_a_restart_between_two_calls_goes_unnoticed(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        await store.open_run(run_key(), SPEC)
        for index in range(3):
            redis.server.kill()
            redis.server.start()
            await store.put_tiles(run_key(), tiles(index))
        assert (await store.open_run(run_key(), SPEC)).acknowledged == {0, 1, 2}


async def test_attempts_of_two_processes_leave_the_later_one(redis: RedisBackend) -> None:
    async with connected(redis) as first, connected(redis) as second:

        async def open_attempt(attempt: int) -> int | None:
            try:
                await (first if attempt % 2 else second).open_run(run_key(attempt), SPEC)
            except RunConflict:
                return None
            return attempt

        opened = await asyncio.gather(*(open_attempt(attempt) for attempt in range(1, 7)))
        assert 6 in opened
        with pytest.raises(RunConflict, match="attempt 6 was begun already"):
            await first.open_run(run_key(5), SPEC)


async def test_dead_attempts_leave_no_chunks_behind_a_result(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        for attempt in (1, 2, 3):
            await store.open_run(run_key(attempt), SPEC)
            await put_image(store, run_key(attempt))
        await store.commit(run_key(3), record_of(attempt=3))
    assert redis.entries(run_key()) == {"run", "result", "img.3"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"appendonly": "no"}, "appendonly yes", id="nothing on disk"),
        pytest.param({"appendfsync": "everysec"}, "appendfsync always", id="a second behind"),
        pytest.param({"maxmemory_policy": "volatile-lru"}, "maxmemory-policy noeviction", id="forgetful"),
    ],
)
async def test_a_redis_that_may_lose_what_it_acknowledged_is_refused(
    folder: Path, settings: dict[str, str], words: str
) -> None:
    with RedisServer(folder, **settings) as server:
        store = RedisStore(server.url)
        with pytest.raises(StoreUnsafe, match=f"may lose what it acknowledged: it needs {words}$"):
            await store.open_run(run_key(), SPEC)
        await store.close()


async def test_the_store_of_an_administrator_sees_that_redis_is_safe(redis: RedisBackend) -> None:
    store = RedisStore(redis.server.url)
    await store.ping()
    await store.close()


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [
        pytest.param(USER, "wrong-password", "refuses this user", id="wrong password"),
        pytest.param("nobody", PASSWORD, "refuses this user", id="unknown user"),
    ],
)
async def test_a_refused_user_is_told_without_the_password(
    redis: RedisBackend, user: str, password: str, words: str
) -> None:
    store = RedisStore(redis.server.url_for(user, password))
    with pytest.raises(StoreAway, match=words) as caught:
        await store.ping()
    await store.close()
    assert password not in str(caught.value)


async def test_the_user_of_a_store_reaches_no_other_install(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        foreign = run_key()
        object.__setattr__(foreign, "install", "another")
        with pytest.raises(StoreAway, match="refuses this user"):
            await store.open_run(foreign, SPEC)


async def test_a_foreign_thing_under_our_key_is_corruption(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        await store.open_run(run_key(), SPEC)
        redis.admin.set(f"fj:test:{{{run_key().uid}}}:tiles", "a string")
        with pytest.raises(StoreCorrupt, match=r"something foreign .*: WRONGTYPE[ a-zA-Z]*$"):
            await store.put_tiles(run_key(), tiles(1))
        redis.admin.set(f"fj:test:{{{run_key().uid}}}:result", "a string")
        with pytest.raises(StoreCorrupt, match="no result record"):
            await store.read_result(run_key())


async def test_a_fact_cannot_pretend_to_be_the_stores_own(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        await store.open_run(run_key(), SPEC)
        with pytest.raises(ValueError, match="attempt, id, spec"):
            await store.note(run_key(), {"attempt": "99"})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.OutOfMemoryError("command not allowed"), StoreFull),
        (exceptions.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"), StoreFull),
        (exceptions.ResponseError("MISCONF Errors writing to the AOF file: Input/output error"), StoreAway),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), StoreAway),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), StoreAway),
        (exceptions.NoPermissionError("this user has no permissions"), StoreAway),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), StoreCorrupt),
        (exceptions.ConnectionError(), StoreAway),
        (ConnectionResetError(104, "Connection reset by peer"), StoreAway),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[:30],
)
def test_each_error_of_redis_has_its_place_among_ours(error: Exception, kind: type[FractalError]) -> None:
    translated = translate(error, "redis:6379")
    assert type(translated) is kind
    assert str(translated).startswith("Redis at redis:6379 ")


async def test_the_chunks_of_an_image_are_read_one_at_a_time(redis: RedisBackend) -> None:
    async with connected(redis) as store:
        await store.open_run(run_key(), SPEC)
        await put_image(store, run_key())
        await store.commit(run_key(), record_of())
        redis.admin.config_resetstat()
        reader = aiter(store.read_image(run_key()))
        assert await anext(reader) == IMAGE[: 1 << 20]
        assert redis.admin.info("commandstats")["cmdstat_get"]["calls"] == 2  # the record and the first chunk


def test_tests_without_a_redis_server_fail_and_say_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(AssertionError, match=MISSING):
        RedisServer(folder).start()

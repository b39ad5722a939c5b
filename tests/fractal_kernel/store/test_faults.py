"""What both stores do when they are away, slow or full, and when things have lain there for long."""

import asyncio

import pytest
from support.pictures import IMAGE, SPEC, put_image, read_image, record_of, run_key, tile, tiles
from support.stores import Backend, connected

from fractal_api.errors import TemporaryError
from fractal_api.storage import CHUNK_BYTES, IMAGE_EXPIRY_S, TILES_EXPIRY_S
from fractal_kernel.store.interface import Store, StoreAway, StoreFull


async def test_an_absent_store_says_so_and_the_same_object_works_when_it_is_back(backend: Backend) -> None:
    async with connected(backend) as store:
        with backend.absent():
            with pytest.raises(StoreAway, match="can't be used"):
                await store.open_run(run_key(), SPEC)
            with pytest.raises(StoreAway):
                await store.ping()
        await store.open_run(run_key(), SPEC)
        await store.put_tiles(run_key(), tiles(1))


async def test_a_store_that_hangs_is_away_after_its_timeout_and_works_again_afterwards(backend: Backend) -> None:
    async with connected(backend) as patient:
        await patient.open_run(run_key(), SPEC)
        await put_image(patient, run_key())
    async with connected(backend, timeout_s=1) as store:
        await store.open_run(run_key(), SPEC)
        with backend.hanging(run_key()):
            start = asyncio.get_running_loop().time()
            with pytest.raises(StoreAway, match="did not answer within 1 s"):
                await store.get_chunk(run_key(), 0)
            assert asyncio.get_running_loop().time() - start < 10
        assert await store.get_chunk(run_key(), 0) == IMAGE[:CHUNK_BYTES]


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 10])
async def test_a_call_that_is_cancelled_ends_and_does_not_confuse_the_next_one(
    backend: Backend, store: Store, steps: int
) -> None:
    await store.open_run(run_key(), SPEC)
    await store.put_tiles(run_key(), tiles(1, 2))
    await put_image(store, run_key())
    with backend.hanging(run_key()):
        waiting = asyncio.create_task(store.get_chunk(run_key(), 0))
        for _ in range(steps):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 5)
    assert await store.get_tile(run_key(), 2) == tile(2)[1]


async def test_a_full_store_keeps_what_it_acknowledged_and_takes_more_when_there_is_room(
    backend: Backend, store: Store
) -> None:
    await store.open_run(run_key(), SPEC)
    await store.put_tiles(run_key(), tiles(1, 2))
    with backend.full():
        with pytest.raises(StoreFull):
            await store.put_tiles(run_key(), tiles(3, 4, size=1 << 20))
        with pytest.raises(StoreFull):
            await put_image(store, run_key())
        assert await store.get_tile(run_key(), 1) == tile(1)[1]
    await store.put_tiles(run_key(), tiles(5))
    await store.release(run_key())
    async with connected(backend) as other:
        assert {1, 2, 5} <= (await other.open_run(run_key(), SPEC)).acknowledged
        for index in (1, 2, 5):
            assert await other.get_tile(run_key(), index) == tile(index)[1]


def test_trouble_with_the_store_is_worth_another_try() -> None:
    assert issubclass(StoreAway, TemporaryError)
    assert issubclass(StoreFull, TemporaryError)


async def reopened(backend: Backend, seconds: float) -> Store:
    """A new process's store after that much time, in which somebody has opened another run meanwhile."""
    backend.age(seconds)
    store = backend.connect()
    await store.open_run(run_key(uid="somebody-else"), SPEC)
    return store


HOUR = 3600


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        pytest.param([TILES_EXPIRY_S - HOUR], {1}, id="within a day"),
        pytest.param([TILES_EXPIRY_S + HOUR], set(), id="after a day"),
        pytest.param([TILES_EXPIRY_S - HOUR, TILES_EXPIRY_S - HOUR], {1}, id="opening counts as a use"),
    ],
)
async def test_tiles_live_for_a_day_after_their_last_use(
    backend: Backend, ages: list[float], expected: set[int]
) -> None:
    run = run_key(ttl_s=60)  # which counts from the end of a job, and so must not touch one that is on
    async with connected(backend) as store:
        await store.open_run(run, SPEC)
        await store.put_tiles(run, tiles(1))
    for age in ages:
        store = await reopened(backend, age)
        acknowledged = (await store.open_run(run, SPEC)).acknowledged
        await store.close()
    assert acknowledged == expected


@pytest.mark.parametrize(
    ("ttl_s", "ages", "alive"),
    [
        pytest.param(None, [IMAGE_EXPIRY_S - HOUR], True, id="within a week"),
        pytest.param(None, [IMAGE_EXPIRY_S + HOUR], False, id="after a week"),
        pytest.param(None, [IMAGE_EXPIRY_S - HOUR, IMAGE_EXPIRY_S - HOUR], True, id="reading begins it anew"),
        pytest.param(2 * HOUR, [HOUR], True, id="within its own TTL"),
        pytest.param(2 * HOUR, [3 * HOUR], False, id="after its own TTL"),
        pytest.param(10**9, [IMAGE_EXPIRY_S + HOUR], False, id="no TTL makes it live longer"),
    ],
)
async def test_an_image_lives_for_a_week_after_it_was_read_or_less_if_the_job_says_so(
    backend: Backend, ttl_s: int | None, ages: list[float], alive: bool
) -> None:
    run = run_key(ttl_s=ttl_s)
    async with connected(backend) as store:
        await store.open_run(run, SPEC)
        await put_image(store, run)
        await store.commit(run, record_of())
    for age in ages:
        store = await reopened(backend, age)
        found = await store.read_result(run)
        if found is not None:
            assert await read_image(store, run) == IMAGE
        await store.close()
    assert (found is not None) is alive
    assert ("img.1" in backend.entries(run)) is alive

"""What both stores promise of tiles, facts and attempts."""

import asyncio
import dataclasses

import pytest
from support.pictures import SPEC, put_image, record_of, run_key, tile, tiles
from support.stores import Backend, connected

from fractal_kernel.store.interface import RunConflict, RunKey, Store, StoreCorrupt, StoredRun

NOTHING = StoredRun(acknowledged=frozenset(), result=None, facts={})


async def test_a_new_run_has_nothing(store: Store) -> None:
    assert await store.open_run(run_key(), SPEC) == NOTHING
    assert await store.read_result(run_key()) is None


async def test_what_was_acknowledged_is_there_for_the_next_process(backend: Backend) -> None:
    async with connected(backend) as first:
        await first.open_run(run_key(), SPEC)
        await first.put_tiles(run_key(), tiles(0, 5, 16_383))
        await first.put_tiles(run_key(), tiles(7))
    async with connected(backend) as second:
        stored = await second.open_run(run_key(), SPEC)
        assert stored.acknowledged == {0, 5, 7, 16_383}
        for index in stored.acknowledged:
            assert (index, await second.get_tile(run_key(), index)) == tile(index)


async def test_opening_a_run_twice_is_the_same_as_once(store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    await store.put_tiles(run_key(), tiles(1, 2))
    assert (await store.open_run(run_key(), SPEC)).acknowledged == {1, 2}


async def test_putting_a_tile_again_is_harmless(store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    for _ in range(3):
        await store.put_tiles(run_key(), tiles(3, 4, 3))
    assert (await store.open_run(run_key(), SPEC)).acknowledged == {3, 4}
    assert await store.get_tile(run_key(), 3) == tile(3)[1]


async def test_a_batch_may_be_empty_large_or_made_of_views(store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    await store.put_tiles(run_key(), [])
    many = tiles(*range(3000), size=300)
    await store.put_tiles(run_key(), [(index, memoryview(blob)) for index, blob in many])
    assert (await store.open_run(run_key(), SPEC)).acknowledged == set(range(3000))
    assert await store.get_tile(run_key(), 2999) == many[-1][1]


async def test_a_tile_that_is_not_there_is_an_error_that_names_it(store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    with pytest.raises(StoreCorrupt, match="tile 9 is not in"):
        await store.get_tile(run_key(), 9)


async def test_facts_outlive_the_process_and_add_up(backend: Backend) -> None:
    async with connected(backend) as first:
        await first.open_run(run_key(), SPEC)
        await first.note(run_key(), {"maxIterations": "4096", "state": "Running"})
        await first.note(run_key(), {"state": "Assembling"})
    async with connected(backend) as second:
        stored = await second.open_run(run_key(), SPEC)
        assert stored.facts == {"maxIterations": "4096", "state": "Assembling"}


async def test_another_picture_under_the_same_uid_is_refused_and_changes_nothing(store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    await store.put_tiles(run_key(), tiles(1))
    with pytest.raises(RunConflict, match="another picture"):
        await store.open_run(run_key(attempt=2), "d" * 64)
    assert (await store.open_run(run_key(), SPEC)).acknowledged == {1}


async def test_a_later_attempt_goes_on_from_the_tiles_of_the_earlier_one(store: Store) -> None:
    await store.open_run(run_key(1), SPEC)
    await store.put_tiles(run_key(1), tiles(1, 2))
    assert (await store.open_run(run_key(3), SPEC)).acknowledged == {1, 2}
    with pytest.raises(RunConflict, match="attempt 3 was begun already"):
        await store.open_run(run_key(2), SPEC)


async def test_runs_do_not_see_each_other(store: Store) -> None:
    other = run_key(uid="another-uid")
    for run, index in ((run_key(), 1), (other, 2)):
        await store.open_run(run, SPEC)
        await store.put_tiles(run, tiles(index))
    assert (await store.open_run(run_key(), SPEC)).acknowledged == {1}
    assert (await store.open_run(other, SPEC)).acknowledged == {2}


async def test_attempts_that_overlap_commit_once_and_the_first_result_stands(backend: Backend, store: Store) -> None:
    first, second = run_key(1), run_key(2)
    for run in (first, second):
        await store.open_run(run, SPEC)
        await store.put_tiles(run, tiles(run.attempt))
    await asyncio.gather(put_image(store, first), put_image(store, second, b"the same pixels, deflated otherwise"))
    late = record_of(b"the same pixels, deflated otherwise", attempt=2)
    results = await asyncio.gather(store.commit(first, record_of(attempt=1)), store.commit(second, late))
    assert results[0] == results[1] == await store.read_result(first)
    assert f"img.{results[0].attempt}" in backend.entries(first)
    assert not {"tiles", f"img.{3 - results[0].attempt}"} & backend.entries(first)


async def test_figures_for_spectators_are_replaced_as_a_whole(backend: Backend, store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    await store.write_live(run_key(), {"percent": "10", "eta": "60"})
    await store.write_live(run_key(), {"percent": "20"})
    assert backend.live(run_key()) == {"percent": "20"}


async def test_a_forgotten_run_leaves_nothing(backend: Backend, store: Store) -> None:
    for attempt in (1, 2):
        run = run_key(attempt)
        await store.open_run(run, SPEC)
        await store.put_tiles(run, tiles(1))
        await put_image(store, run)
        await store.write_live(run, {"percent": "1"})
    await store.commit(run_key(1), record_of())
    await store.forget(run_key(2))
    assert backend.entries(run_key()) == set()
    await store.forget(run_key(2))
    assert await store.open_run(run_key(), "d" * 64) == NOTHING


async def test_a_released_run_can_be_opened_by_another_process(backend: Backend, store: Store) -> None:
    await store.open_run(run_key(), SPEC)
    await store.put_tiles(run_key(), tiles(4))
    await store.release(run_key())
    async with connected(backend) as other:
        assert (await other.open_run(run_key(), SPEC)).acknowledged == {4}


@pytest.mark.parametrize("name", ["", "..", "a/b", "a:b", "{a}", "a b", "é"])
async def test_names_that_could_reach_other_keys_are_refused(store: Store, name: str) -> None:
    run = run_key()
    for bad in (dataclasses.replace(run, uid=name), dataclasses.replace(run, install=name)):
        with pytest.raises(ValueError, match="can't be part of a store's key"):
            await store.open_run(bad, SPEC)


async def test_the_store_answers(store: Store) -> None:
    await store.ping()


def test_a_run_is_named_by_uid_and_attempt() -> None:
    assert RunKey(install="i", uid="u", attempt=2).id == "u-2"
    assert RunKey(install="i", uid="u", attempt=2, ttl_s=5) == RunKey(install="i", uid="u", attempt=2)

"""What an agent does with a world and a store: runs from their order to their image, through faults of both."""

import asyncio
import hashlib
import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from support.agent_fakes import MAX_ITERATIONS, FakeStore, pixels_of
from support.agent_stage import Stage, living, order

from fractal_api.tiling import Rect
from fractal_kernel import wire
from fractal_kernel.agent import notices as n
from fractal_kernel.agent.orders import Ending, OtherPicture, Taken
from fractal_kernel.agent.phases import Phase
from fractal_kernel.store.interface import RunKey, StoreAway, StoredRun

MakeStage = Callable[..., Stage]
TILES = 12  # of the stage's picture: 100×70 in tiles of 32


async def image_of(stage: Stage, uid: str = "seahorse") -> bytes:
    return b"".join([chunk async for chunk in stage.store.read_image(order(uid).key)])


async def test_a_run_is_rendered_stored_and_handed_back_as_an_image(stage: Stage) -> None:
    await stage.agent.put(order())
    view = await stage.ended()
    assert view.phase is Phase.COMPLETE
    assert view.result is not None
    image = await image_of(stage)
    expected = pixels_of(Rect(0, 0, 100, 70))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(image))), expected)
    assert view.result.sha256 == hashlib.sha256(image).hexdigest()
    assert view.result.pixels_sha256 == hashlib.sha256(expected.tobytes()).hexdigest()
    assert view.result.max_iterations == MAX_ITERATIONS
    assert stage.phases() == [Phase.QUEUED, Phase.RENDERING, Phase.ASSEMBLING, Phase.COMPLETE]


async def test_a_run_that_a_warm_world_takes_at_once_is_told_to_have_started_once(stage: Stage) -> None:
    await stage.until(lambda: stage.agent.ready)
    await stage.agent.put(order())
    await stage.ended()
    assert stage.phases() == [Phase.RENDERING, Phase.ASSEMBLING, Phase.COMPLETE]


async def test_a_run_that_is_put_twice_is_rendered_once(stage: Stage) -> None:
    first, second = await asyncio.gather(stage.agent.put(order()), stage.agent.put(order()))
    assert first.id == second.id
    await stage.ended()
    assert (await stage.agent.put(order())).phase is Phase.COMPLETE
    assert sorted(stage.world.rendered) == list(range(TILES))


async def test_a_complete_run_is_complete_at_once_after_the_agent_was_replaced(make_stage: MakeStage) -> None:
    store = FakeStore()
    async with living(make_stage(store)) as stage:
        await stage.agent.put(order())
        await stage.ended()
    async with living(make_stage(store)) as stage:
        assert (await stage.agent.put(order())).phase is Phase.COMPLETE
        assert stage.world.rendered == []
        assert store.open == set()


async def test_a_cancelled_run_stays_cancelled_after_the_agent_was_replaced(make_stage: MakeStage) -> None:
    store = FakeStore()
    stage = make_stage(store)
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order())
        cancelled = stage.agent.cancel("seahorse-1")
        assert cancelled is not None
        assert cancelled.phase is Phase.CANCELLED
        await stage.until(lambda: not store.open)
    async with living(make_stage(store)) as stage:
        assert (await stage.agent.put(order())).phase is Phase.CANCELLED
        await stage.agent.put(order(attempt=2))
        assert (await stage.ended("seahorse-2")).phase is Phase.COMPLETE


async def test_one_run_is_on_one_is_next_and_a_third_is_refused_by_naming_both(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order("a"))
        await stage.agent.put(order("b"))
        with pytest.raises(Taken, match="no place for another run: a-1 and b-1 are on") as refused:
            await stage.agent.put(order("c"))
        assert refused.value.runs == ("a-1", "b-1")
        assert "c" not in stage.store.shas


async def test_an_id_is_not_taken_for_another_picture(stage: Stage) -> None:
    await stage.agent.put(order())
    with pytest.raises(OtherPicture, match="run seahorse-1 is known here with another picture"):
        await stage.agent.put(order(width=101))


async def test_nothing_happens_to_a_run_that_is_put_while_the_store_is_away(stage: Stage) -> None:
    def away(call: str) -> None:
        raise StoreAway(f"no answer to {call}")

    stage.store.trouble = away
    with pytest.raises(StoreAway):
        await stage.agent.put(order())
    assert stage.agent.view("seahorse-1") is None
    stage.store.trouble = lambda _: None
    await stage.agent.put(order())
    assert (await stage.ended()).phase is Phase.COMPLETE


async def test_a_lost_world_costs_only_the_tiles_that_had_not_come(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order())
        await stage.until(lambda: bool(stage.world.sent))
        stage.world.survey(stage.world.last_run())
        stage.world.render(stage.world.last_run(), [0, 5, 7])
        await stage.until(lambda: set(stage.store.tiles.get("seahorse", {})) == {0, 5, 7})
        stage.world.automatic = True
        stage.world.die()
        assert (await stage.ended()).phase is Phase.COMPLETE
        assert sorted(stage.world.rendered) == list(range(TILES))
        first, second = stage.world.started
        assert second > first
        assert stage.world.last_run().max_iterations == MAX_ITERATIONS
        assert [told.cause for told in stage.notices if isinstance(told, n.Retried)] == ["WorldDied"]


async def test_tiles_that_wait_for_the_store_survive_the_loss_of_their_world(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order())
        stage.store.going.clear()
        await stage.until(lambda: bool(stage.world.sent))
        stage.world.render(stage.world.last_run(), [0, 5, 7])
        await stage.until(lambda: any(isinstance(told, n.TilesCame) for told in stage.notices))
        stage.world.automatic = True
        stage.world.die()
        await stage.until(lambda: len(stage.world.rendered) == TILES)
        stage.store.going.set()
        assert (await stage.ended()).phase is Phase.COMPLETE
        assert sorted(stage.world.rendered) == list(range(TILES))


async def test_what_was_acknowledged_stands_in_the_ledger_under_its_world(stage: Stage) -> None:
    await stage.agent.put(order())
    await stage.ended()
    lines = stage.ledger.read_text().splitlines()
    (epoch,) = stage.world.started
    assert sorted(lines) == sorted(f"A {tile} {epoch}" for tile in range(TILES))


async def test_a_run_whose_worlds_always_die_fails_with_the_last_reason(make_stage: MakeStage) -> None:
    stage = make_stage(fruitless=0)
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order())
        await stage.until(lambda: bool(stage.world.sent))
        stage.world.die()
        view = await stage.ended()
        assert (view.phase, view.reason) == (Phase.FAILED, "WorldDied")
        assert view.message.endswith("mpirun ended by signal 9")
        await stage.until(lambda: "ended-1" in stage.store.facts.get("seahorse", {}))


async def test_a_world_that_is_lost_while_the_image_is_put_together_is_not_missed(forgetful: Stage) -> None:
    reads = iter(range(TILES))

    def die(call: str) -> None:
        if call == "get_tile" and next(reads) == TILES // 2:
            forgetful.world.die()

    forgetful.store.trouble = die
    await forgetful.agent.put(order())
    view = await forgetful.ended()
    assert (view.phase, view.losses) == (Phase.COMPLETE, 0)
    assert sorted(forgetful.world.rendered) == list(range(TILES))
    assert len([told for told in forgetful.notices if isinstance(told, n.WorldDown)]) == 1


async def test_a_tile_that_the_store_lost_is_rendered_again_and_no_other(forgetful: Stage) -> None:
    lost = iter([3])

    def lose(call: str) -> None:
        if call == "get_tile" and (tile := next(lost, None)) is not None:
            del forgetful.store.tiles["seahorse"][tile]

    forgetful.store.trouble = lose
    await forgetful.agent.put(order())
    assert (await forgetful.ended()).phase is Phase.COMPLETE
    assert sorted(forgetful.world.rendered) == sorted([*range(TILES), 3])


async def test_a_damaged_tile_is_noticed_and_rendered_again(forgetful: Stage) -> None:
    damage = iter([5])

    def harm(call: str) -> None:
        if call == "get_tile" and (tile := next(damage, None)) is not None:
            blob = bytearray(forgetful.store.tiles["seahorse"][tile])
            blob[-1] ^= 1
            forgetful.store.tiles["seahorse"][tile] = bytes(blob)

    forgetful.store.trouble = harm
    await forgetful.agent.put(order())
    view = await forgetful.ended()
    assert view.phase is Phase.COMPLETE
    assert sorted(forgetful.world.rendered) == sorted([*range(TILES), 5])


async def test_an_image_is_made_of_the_tiles_in_memory_once_the_store_has_them(stage: Stage) -> None:
    asked = list[str]()
    stage.store.trouble = asked.append
    await stage.agent.put(order())
    view = await stage.ended()
    assert view.phase is Phase.COMPLETE
    assert "get_tile" not in asked
    assert asked.index("put_tiles") < asked.index("put_chunk")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(await image_of(stage)))), pixels_of(Rect(0, 0, 100, 70)))


async def test_a_tile_that_is_damaged_in_memory_is_rendered_again(make_stage: MakeStage) -> None:
    async with living(make_stage()) as stage:
        stage.world.spoil = {7}
        await stage.agent.put(order())
        view = await stage.ended()
        assert view.phase is Phase.COMPLETE
        assert sorted(stage.world.rendered) == sorted([*range(TILES), 7])


async def test_a_store_that_comes_back_in_time_costs_nothing_but_time(stage: Stage) -> None:
    troubles = iter(range(3))

    def falter(call: str) -> None:
        if call in {"put_tiles", "put_chunk", "commit"} and next(troubles, None) is not None:
            raise StoreAway("no answer")

    stage.store.trouble = falter
    await stage.agent.put(order())
    assert (await stage.ended()).phase is Phase.COMPLETE
    waits = [told.message for told in stage.notices if isinstance(told, n.Waiting)]
    assert waits.count("no answer") == 3
    assert waits[-1] == ""


async def test_a_run_fails_when_its_store_stays_away_too_long(make_stage: MakeStage) -> None:
    stage = make_stage(store_s=0.05)
    async with living(stage):

        def away(call: str) -> None:
            if call == "put_tiles":
                raise StoreAway("no answer")

        stage.store.trouble = away
        await stage.agent.put(order())
        view = await stage.ended()
        assert (view.phase, view.reason) == (Phase.FAILED, "StoreAway")


async def test_a_cancelled_run_leaves_world_and_places_to_others(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order("a"))
        await stage.agent.put(order("b"))
        await stage.until(lambda: bool(stage.world.sent))
        stage.world.automatic = True
        stage.agent.cancel("a-1")
        assert wire.Cancel(run="a-1") in stage.world.sent
        assert (await stage.ended("b-1")).phase is Phase.COMPLETE
        assert stage.agent.cancel("unknown-1") is None


async def test_a_run_that_is_taken_back_while_it_is_opened_never_starts(make_stage: MakeStage) -> None:
    store, reached, answers = FakeStore(), asyncio.Event(), asyncio.Event()
    ordinary = store.open_run

    async def slow(run: RunKey, sha: str) -> StoredRun:
        reached.set()
        await answers.wait()
        return await ordinary(run, sha)

    store.open_run = slow  # type: ignore[method-assign]
    async with living(make_stage(store)) as stage:
        putting = asyncio.create_task(stage.agent.put(order()))
        await reached.wait()
        taking = asyncio.create_task(stage.agent.take_back("seahorse-1"))
        await asyncio.sleep(0)
        assert not taking.done(), "nothing is known of the run before the store has answered"
        answers.set()
        view = await taking
        assert view is not None
        assert view.phase is Phase.CANCELLED
        assert (await putting).phase is Phase.CANCELLED
        await stage.until(lambda: not store.open)
        assert stage.world.rendered == []
        assert (await stage.agent.put(order())).phase is Phase.CANCELLED
        assert (await stage.agent.put(order(attempt=2))).ended is False


async def test_a_run_that_is_taken_back_before_it_is_put_is_unknown_and_may_be_put(stage: Stage) -> None:
    assert await stage.agent.take_back("seahorse-1") is None
    await stage.agent.put(order())
    assert (await stage.ended()).phase is Phase.COMPLETE


async def test_an_ending_agent_stores_what_it_has_and_reports_interrupted(make_stage: MakeStage) -> None:
    store = FakeStore()
    stage = make_stage(store)
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order())
        await stage.until(lambda: bool(stage.world.sent))
        stage.world.render(stage.world.last_run(), [0, 1])
        await stage.until(lambda: any(isinstance(told, n.TilesCame) for told in stage.notices))
        stage.agent.stop()
        assert (await stage.ended()).phase is Phase.INTERRUPTED
        with pytest.raises(Ending):
            await stage.agent.put(order("other"))
    assert stage.world.ended[0] == (stage.world.started[0], True)
    assert set(store.tiles["seahorse"]) == {0, 1}
    assert store.open == set()
    async with living(make_stage(store)) as stage:
        await stage.agent.put(order())
        assert (await stage.ended()).phase is Phase.COMPLETE
        assert sorted(stage.world.rendered) == list(range(2, TILES))


async def test_an_agent_does_not_wait_for_ever_for_a_store_when_it_ends(make_stage: MakeStage) -> None:
    stage = make_stage(flush_s=0.05)
    async with living(stage):
        stage.store.going.clear()
        await stage.agent.put(order())
        await stage.until(lambda: any(isinstance(told, n.TilesCame) for told in stage.notices))
        stage.agent.stop()
        view = await stage.ended()
        assert (view.phase, view.done) == (Phase.INTERRUPTED, 0)


async def test_spectators_find_live_figures_in_the_store(stage: Stage) -> None:
    await stage.agent.put(order())
    await stage.ended()
    live = stage.store.live["seahorse"]
    assert live["tilesTotal"] == str(TILES)
    assert 0 < int(live["tilesDone"]) <= TILES


async def test_a_world_that_never_answers_is_replaced(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.world.deaf = True
    async with living(stage):
        await stage.until(lambda: bool(stage.world.started))
        assert not stage.agent.ready
        stage.world.deaf = False
        stage.world.die()
        await stage.until(lambda: stage.agent.ready)
        assert len(stage.world.started) == 2

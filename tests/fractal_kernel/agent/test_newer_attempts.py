"""What an agent does when another attempt at its run's picture was begun, or was over, before its own."""

from collections.abc import AsyncIterator, Callable

import pytest
from support.agent_fakes import MAX_ITERATIONS
from support.agent_stage import Stage, living, order

from fractal_api.storage import ResultRecord
from fractal_kernel import wire
from fractal_kernel.agent.phases import Phase

MakeStage = Callable[..., Stage]
TILES = 12  # of the stage's picture: 100×70 in tiles of 32

RECORD = ResultRecord(
    sha256="a" * 64,
    pixels_sha256="b" * 64,
    bytes=10,
    chunks=1,
    chunk_bytes=1 << 20,
    attempt=2,
    width=100,
    height=70,
    seconds=1.5,
    max_iterations=MAX_ITERATIONS,
    picture_version=1,
)


@pytest.fixture
async def begun(make_stage: MakeStage) -> AsyncIterator[Stage]:
    """A stage on which a run was begun, whose world does only what it is told."""
    stage = make_stage()
    stage.world.automatic = False
    async with living(stage):
        await stage.agent.put(order())
        await stage.until(lambda: bool(stage.world.sent))
        yield stage


async def test_a_run_whose_newer_attempt_was_begun_elsewhere_stops_and_stores_nothing_more(
    begun: Stage,
) -> None:
    run = begun.world.last_run()
    begun.world.survey(run)
    begun.world.render(run, [0, 1])
    await begun.until(lambda: len(begun.store.tiles.get("seahorse", {})) == 2)
    await begun.store.open_run(order(attempt=2).key, order().digest)
    begun.world.render(run, [2])
    view = await begun.ended()
    assert (view.phase, view.reason, view.done) == (Phase.CANCELLED, "RunConflict", 2)
    assert wire.Cancel(run="seahorse-1") in begun.world.sent
    begun.world.render(run, [3])
    begun.world.automatic = True
    await begun.agent.put(order("other"))
    assert (await begun.ended("other-1")).phase is Phase.COMPLETE
    assert set(begun.store.tiles["seahorse"]) == {0, 1}
    assert "RunConflict" in begun.store.facts["seahorse"]["ended-1"]


async def test_a_run_that_goes_on_after_a_loss_is_not_rendered_when_a_newer_attempt_was_begun_meanwhile(
    begun: Stage,
) -> None:
    await begun.store.open_run(order(attempt=2).key, order().digest)
    begun.world.die()
    view = await begun.ended()
    assert (view.phase, view.reason) == (Phase.CANCELLED, "RunConflict")
    assert wire.Cancel(run="seahorse-1") in begun.world.sent
    assert begun.world.rendered == []


async def test_a_picture_that_another_attempt_has_committed_meanwhile_is_not_rendered_again(
    forgetful: Stage,
) -> None:
    """With the other's record the tiles went, which this attempt wants to put together."""
    theirs: list[ResultRecord] = []

    def commit_first(call: str) -> None:
        if call == "get_tile" and not theirs:
            theirs.append(RECORD)
            forgetful.store.results["seahorse"] = RECORD
            del forgetful.store.tiles["seahorse"]

    forgetful.store.trouble = commit_first
    await forgetful.agent.put(order())
    view = await forgetful.ended()
    assert (view.phase, view.result) == (Phase.COMPLETE, RECORD)
    assert sorted(forgetful.world.rendered) == list(range(TILES))

"""Agents, worlds and stores that go, are replaced or fall silent under a job."""

import asyncio

from support.operator_job_stage import Stage
from support.operator_scenes import on_stage

from fractal_operator.core.lifecycle import State


@on_stage("w1")
async def test_a_new_agent_gets_the_same_run_and_goes_on_from_its_tiles(stage: Stage) -> None:
    world = stage.worlds["w1"]
    uid = stage.submit("a", tiles=6)
    await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 3)
    world.die()
    await asyncio.sleep(8)
    world.boot()
    await stage.ends("a", within_s=5)
    status = stage.status("a")
    assert (status.attempts, status.failures, status.interruptions) == (1, 0, 1)


@on_stage("w1")
async def test_a_restarted_container_is_noticed_by_the_silence_of_its_run(stage: Stage) -> None:
    world = stage.worlds["w1"]
    uid = stage.submit("a", tiles=6)
    await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 3)
    assert world.agent is not None
    world.agent.restart_inside()
    await stage.ends("a", within_s=22)
    assert stage.status("a").interruptions == 1


@on_stage("w1")
async def test_a_job_leaves_a_world_that_does_not_come_back(stage: Stage) -> None:
    world = stage.worlds["w1"]
    uid = stage.submit("a", tiles=6)
    await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 3)
    world.die()
    stage.add_world("w2")
    await stage.ends("a", within_s=70)
    status = stage.status("a")
    assert (status.assigned_to, status.attempts, status.interruptions) == ("w2", 2, 1)


@on_stage("w1", "w2")
async def test_a_world_that_is_cut_off_from_the_operator_alone_stops_when_its_job_was_begun_elsewhere(
    stage: Stage,
) -> None:
    operator = stage.operators[0]
    uid = stage.submit("a", tiles=5)
    await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 1)
    older = stage.worlds[stage.status("a").assigned_to or ""].agent
    assert older is not None
    older.reachable, older.heard, older.tile_s = False, False, 50.0
    await stage.ends("a", within_s=100)
    first = older.incarnation.split("-")[0]
    status = stage.status("a")
    assert status.assigned_to not in {first, None}
    assert older.active, "it renders on, and knows nothing"
    await stage.until(lambda: not older.active, within_s=60)
    assert (older.ended[f"{uid}-1"].phase, older.ended[f"{uid}-1"].reason) == ("Cancelled", "RunConflict")

    older.come_back()
    await asyncio.sleep(20)
    assert stage.status("a") == status
    assert (status.attempts, status.failures, status.interruptions) == (2, 0, 1)
    stage.submit("b", tiles=5)
    stage.submit("c", tiles=5)
    await stage.until(lambda: {operator.scheduler.job_on(name) for name in stage.worlds} == {"art/b", "art/c"})


@on_stage("w1")
async def test_a_job_leaves_a_deleted_world_at_once(stage: Stage) -> None:
    stage.submit("a", tiles=3)
    await stage.ends("a", State.RUNNING)
    stage.add_world("w2")
    stage.drop_world("w1")
    await stage.ends("a", within_s=6)
    assert stage.status("a").assigned_to == "w2"


@on_stage("w1")
async def test_an_interrupted_job_goes_elsewhere_and_nothing_is_counted(stage: Stage) -> None:
    world = stage.worlds["w1"]
    operator = stage.operators[0]
    stage.submit("a", tiles=5)
    await stage.ends("a", State.RUNNING)
    stage.add_world("w2")
    await asyncio.sleep(2)
    world.takes_runs, world.why_not = False, "is being drained"
    world.notice()
    await asyncio.sleep(0.1)
    operator.scheduler.interrupt("w1", "world w1 is being drained")
    await stage.until(lambda: operator.scheduler.job_on("w1") is None, within_s=1)
    await stage.ends("a", within_s=5)
    status = stage.status("a")
    assert (status.assigned_to, status.attempts, status.failures, status.interruptions) == ("w2", 2, 0, 0)


@on_stage("w1")
async def test_an_interrupted_job_leaves_also_a_world_that_does_not_answer(stage: Stage) -> None:
    world = stage.worlds["w1"]
    operator = stage.operators[0]
    stage.submit("a", tiles=5)
    await stage.ends("a", State.RUNNING)
    world.die()
    await asyncio.sleep(1)
    operator.scheduler.interrupt("w1", "world w1 is being drained")
    await stage.until(lambda: operator.scheduler.job_on("w1") is None, within_s=6)


@on_stage("w1")
async def test_a_run_whose_lines_are_lost_is_asked_after(stage: Stage) -> None:
    world = stage.worlds["w1"]
    world.lines_lost = True
    stage.submit("a")
    await stage.ends("a", within_s=8)
    stage.submit("b", tiles=20)
    await stage.ends("b", within_s=40)


@on_stage("w1")
async def test_a_finished_run_waits_for_its_store(stage: Stage) -> None:
    stage.submit("a", tiles=3)
    await stage.ends("a", State.RUNNING)
    stage.store.hidden = True
    await stage.until(lambda: stage.condition("a", "Running").reason == "StoreAway", within_s=20)
    await asyncio.sleep(100)
    stage.store.hidden = False
    await stage.ends("a", within_s=10)
    assert stage.status("a").attempts == 1

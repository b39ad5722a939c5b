"""Jobs that are suspended, limited in time or deleted, before, while and after they are rendered."""

import asyncio

import pytest
from support.operator_job_stage import Stage
from support.operator_scenes import on_stage

from fractal_operator.core.lifecycle import State


@on_stage("w1")
async def test_a_suspended_job_frees_its_world_within_a_second_and_goes_on_from_its_tiles(stage: Stage) -> None:
    operator = stage.operators[0]
    uid = stage.submit("a", tiles=6)
    await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 3)
    stage.submit("b")
    stage.set_execution("a", suspend=True)
    await stage.until(lambda: operator.scheduler.job_on("w1") == "art/b", within_s=1)
    assert stage.state("a") is State.SUSPENDED
    assert stage.status("a").phase == "Suspended"
    await stage.ends("b")
    await asyncio.sleep(100)
    stage.set_execution("a", suspend=False)
    took_s = await stage.until(lambda: stage.state("a") is State.COMPLETE)
    assert took_s < 4.5
    status = stage.status("a")
    assert (status.attempts, status.failures, status.interruptions) == (2, 0, 0)


@on_stage("w1")
async def test_a_job_that_is_suspended_from_the_beginning_waits_for_its_owner(stage: Stage) -> None:
    stage.submit("a", suspend=True)
    await stage.ends("a", State.SUSPENDED)
    await asyncio.sleep(1000)
    stage.set_execution("a", suspend=False)
    await stage.ends("a", within_s=5)


@on_stage("w1")
async def test_a_job_fails_at_its_deadline_and_its_run_ends(stage: Stage) -> None:
    world = stage.worlds["w1"]
    stage.submit("a", tiles=50, activeDeadlineSeconds=10)
    took_s = await stage.until(lambda: stage.state("a") is State.FAILED)
    assert 10 <= took_s < 10.5
    assert stage.condition("a", "Failed").reason == "DeadlineExceeded"
    await stage.until(lambda: world.agent is not None and not world.agent.active, within_s=1)


@on_stage("w1")
async def test_a_finished_job_is_deleted_after_its_time_with_its_picture(stage: Stage) -> None:
    stage.submit("a", ttlSecondsAfterFinished=30)
    await stage.ends("a")
    took_s = await stage.until(lambda: "a" not in stage.server.jobs)
    assert 29 < took_s < 31
    await stage.until(lambda: not stage.store.uids(), within_s=1)


@pytest.mark.parametrize("after_ms", [0, 3, 6, 9, 12, 15, 20, 30, 50, 500, 2500, 2900, 3100])
@on_stage("w1")
async def test_a_job_can_be_deleted_at_any_moment(stage: Stage, after_ms: int) -> None:
    world = stage.worlds["w1"]
    await asyncio.sleep(1)
    stage.submit("a", tiles=3)
    await asyncio.sleep(after_ms / 1000)
    stage.server.remove("a")
    stage.submit("b")
    await stage.ends("b", within_s=4)
    assert world.agent is not None
    assert not world.agent.active
    await stage.until(lambda: stage.store.uids() == {stage.server.jobs["b"]["metadata"]["uid"]}, within_s=1)

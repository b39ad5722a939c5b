"""What becomes of a job that fails: by its own fault, or by its world's, which may get no more for a while."""

import asyncio

from support.operator_job_stage import Stage, WorldFake
from support.operator_scenes import on_stage

from fractal_operator.core.lifecycle import State


def fail(world: WorldFake, words: list[str]) -> None:
    """Let the world's next runs fail, each with the next word."""
    assert world.agent is not None
    world.agent.faults = words


@on_stage("w1")
async def test_a_spec_that_can_not_be_is_refused_in_a_sentence(stage: Stage) -> None:
    stage.server.create("a", {"fractal": {"type": "Mandelbrot", "zoom": "1e20000"}})
    await stage.ends("a", State.FAILED)
    assert stage.condition("a", "Failed").reason == "InvalidSpec"
    assert "spec.fractal.zoom" in stage.condition("a", "Failed").message
    assert stage.condition("a", "Accepted").status == "False"
    await stage.until(lambda: stage.events("a") == ["Failed"])
    assert stage.status("a").attempts == 0


@on_stage("w1")
async def test_a_picture_that_no_store_takes_is_refused_before_anything_is_rendered(stage: Stage) -> None:
    size = {"width": 65_536, "height": 1_025}
    stage.server.create("a", {"fractal": {"type": "Mandelbrot"}, "image": size})
    await stage.ends("a", State.FAILED)
    assert stage.condition("a", "Failed").reason == "TooLargeForStore"
    assert "67,108,864 pixels" in stage.condition("a", "Failed").message
    assert stage.status("a").attempts == 0


@on_stage("w1")
async def test_what_the_kernel_can_not_render_is_never_tried_again(stage: Stage) -> None:
    fail(stage.worlds["w1"], ["DepthNotSupported"])
    stage.submit("a")
    await stage.ends("a", State.FAILED)
    assert stage.condition("a", "Failed").reason == "DepthNotSupported"
    assert (stage.status("a").attempts, stage.status("a").failures) == (1, 0)


@on_stage()
async def test_failures_of_worlds_back_off_and_are_bounded(stage: Stage) -> None:
    for name in ("w1", "w2", "w3"):
        world = stage.add_world(name)
        fail(world, ["RenderFailed"] * 9)
    stage.start_operator()
    stage.submit("a", backoffLimit=2)
    took_s = await stage.until(lambda: stage.state("a") is State.FAILED)
    status = stage.status("a")
    assert (status.attempts, status.failures) == (3, 3)
    assert stage.condition("a", "Failed").reason == "BackoffLimitExceeded"
    assert "as the test wanted it" in stage.condition("a", "Failed").message
    assert took_s >= 1 + 2


@on_stage("w1")
async def test_a_job_that_failed_on_a_world_goes_to_another(stage: Stage) -> None:
    fail(stage.worlds["w1"], ["RenderFailed"] * 9)
    stage.submit("a")
    await stage.ends("a", State.RUNNING)
    stage.add_world("w2")
    await stage.ends("a")
    assert (stage.status("a").assigned_to, stage.status("a").failures) == ("w2", 1)


@on_stage("w1")
async def test_a_new_leader_knows_on_which_world_a_job_failed(stage: Stage) -> None:
    operator = stage.operators[0]
    fail(stage.worlds["w1"], ["RenderFailed"] * 9)
    stage.submit("a")
    await stage.until(lambda: stage.status("a").failures == 1)
    operator.kill()
    assert (stage.state("a"), stage.status("a").failed_on) == (State.QUEUED, "w1")
    stage.add_world("w2")
    stage.start_operator()
    await stage.ends("a")
    assert (stage.status("a").assigned_to, stage.status("a").failures) == ("w2", 1)


@on_stage("w1")
async def test_three_failures_in_ten_minutes_quarantine_a_world(stage: Stage) -> None:
    operator = stage.operators[0]
    fail(stage.worlds["w1"], ["WorldHung"] * 3)
    stage.submit("a")
    await stage.until(lambda: operator.scheduler.quarantine_of("w1") is not None)
    assert stage.status("a").failures == 3
    told = asyncio.create_task(operator.scheduler.changed("w1"))
    await stage.until(lambda: stage.condition("a", "Assigned").reason == "WorldNotReady")
    assert "quarantine" in stage.condition("a", "Assigned").message
    await told
    took_s = await stage.until(lambda: stage.state("a") is State.COMPLETE, within_s=700)
    assert 590 < took_s < 610
    assert operator.scheduler.quarantine_of("w1") is None


async def put_into_quarantine(stage: Stage) -> None:
    """Let a job fail on the world w1 three times; the world's status then has its quarantine."""
    world, operator = stage.worlds["w1"], stage.operators[0]
    fail(world, ["WorldHung"] * 3)
    stage.submit("a")
    await stage.until(lambda: operator.scheduler.quarantine_of("w1") is not None)
    world.quarantine = operator.scheduler.quarantine_of("w1")


@on_stage("w1")
async def test_a_new_leader_keeps_the_rest_of_a_quarantine_that_the_world_s_status_has(stage: Stage) -> None:
    world = stage.worlds["w1"]
    operator = stage.operators[0]
    await put_into_quarantine(stage)
    await asyncio.sleep(300)
    operator.kill()
    operator = stage.start_operator()
    told = asyncio.create_task(operator.scheduler.changed("w1"))
    await stage.until(lambda: operator.scheduler.quarantine_of("w1") == world.quarantine)
    await told
    took_s = await stage.until(lambda: stage.state("a") is State.COMPLETE, within_s=700)
    assert 290 < took_s < 310
    assert operator.scheduler.quarantine_of("w1") is None


@on_stage("w1")
async def test_a_quarantine_that_a_person_lifts_is_over_at_once(stage: Stage) -> None:
    world = stage.worlds["w1"]
    operator = stage.operators[0]
    await put_into_quarantine(stage)
    operator.see(world)
    await asyncio.sleep(60)
    told = asyncio.create_task(operator.scheduler.changed("w1"))
    operator.scheduler.lift_quarantine("w1")
    await told
    await stage.ends("a", within_s=10)


@on_stage("w1")
async def test_failures_before_a_person_vouched_for_the_world_count_no_more(stage: Stage) -> None:
    operator = stage.operators[0]
    fail(stage.worlds["w1"], ["WorldHung"] * 4)
    stage.submit("a", backoffLimit=9)
    await stage.until(lambda: stage.status("a").failures == 2)
    operator.scheduler.lift_quarantine("w1")
    await stage.ends("a", within_s=60)
    assert stage.status("a").failures == 4


@on_stage("w1")
async def test_a_damaged_image_is_put_together_again(stage: Stage) -> None:
    stage.store.damages = 1
    uid = stage.submit("a", tiles=3)
    await stage.ends("a")
    assert stage.store.shows(uid)

"""What a job notices of an API server that is away, and of the next or another leader: nothing but time."""

import asyncio

from support.operator_job_stage import Stage
from support.operator_scenes import on_stage

from fractal_operator.core.lifecycle import State


@on_stage("w1")
async def test_an_api_server_that_is_away_costs_time_only(stage: Stage) -> None:
    stage.submit("a", tiles=3)
    await stage.ends("a", State.RUNNING)
    stage.server.away = True
    await asyncio.sleep(60)
    stage.server.away = False
    await stage.ends("a", within_s=7)
    await stage.until(lambda: "Completed" in stage.events("a"))
    assert stage.status("a").attempts == 1


@on_stage("w1")
async def test_the_next_leader_takes_over_without_the_job_noticing(stage: Stage) -> None:
    first = stage.operators[0]
    uid = stage.submit("a", tiles=6)
    await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 2)
    first.kill()
    await asyncio.sleep(1)
    stage.start_operator()
    await stage.ends("a", within_s=5)
    status = stage.status("a")
    assert (status.attempts, status.interruptions) == (1, 0)
    await stage.until(lambda: stage.events("a") == ["Assigned", "Started", "Completed"])


@on_stage("w1")
async def test_the_next_leader_tells_of_what_the_one_before_could_not_for_long(stage: Stage) -> None:
    stage.server.takes_events = False
    stage.submit("a", tiles=2)
    await stage.ends("a")
    await asyncio.sleep(300)
    stage.operators[0].kill()
    stage.server.takes_events = True
    stage.start_operator()
    await stage.until(lambda: stage.events("a") == ["Assigned", "Started", "Completed"])


@on_stage("w1")
async def test_the_next_leader_takes_back_runs_that_nobody_wants(stage: Stage) -> None:
    world = stage.worlds["w1"]
    first = stage.operators[0]
    stage.submit("a", tiles=6)
    await stage.ends("a", State.RUNNING)
    first.kill()
    stage.server.remove("a")
    stage.start_operator()
    await stage.until(lambda: world.agent is not None and not world.agent.active, within_s=2)


@on_stage("w1")
async def test_a_stale_watch_does_not_undo_what_was_written(stage: Stage) -> None:
    operator = stage.operators[0]
    await asyncio.sleep(1)
    operator.lag_s = 5.0
    stage.submit("a", tiles=20)
    await stage.ends("a", within_s=30)
    assert stage.status("a").attempts == 1


@on_stage("w1")
async def test_an_assignment_whose_answer_is_lost_keeps_its_world(stage: Stage) -> None:
    operator = stage.operators[0]
    await asyncio.sleep(1)
    operator.watch_held = True
    stage.server.mute = 1
    stage.submit("first", tiles=3)
    operator.scheduler.observe_job("ADDED", stage.server.read("x/first"))
    await stage.ends("first", State.ASSIGNED)
    stage.submit("urgent", tiles=3, priority=5)
    operator.scheduler.observe_job("ADDED", stage.server.read("x/urgent"))
    await stage.ends("first", within_s=10)
    turns = [name for name, phase in stage.server.writes if phase in {"Assigned", "Complete"}]
    assert turns[:2] == ["first", "first"]
    await stage.ends("urgent", within_s=10)


@on_stage("w1")
async def test_a_job_that_goes_while_its_assignment_has_no_answer_is_seen_off(stage: Stage) -> None:
    operator = stage.operators[0]
    await asyncio.sleep(1)
    operator.watch_held = True
    stage.server.mute = 1
    stage.submit("a", tiles=3)
    operator.scheduler.observe_job("ADDED", stage.server.read("x/a"))
    await stage.ends("a", State.ASSIGNED)
    stage.server.remove("a")
    await asyncio.sleep(5)
    assert not operator.task.done()
    assert operator.scheduler.job_on("w1") is None
    operator.catch_up()
    stage.submit("b")
    await stage.ends("b", within_s=5)


@on_stage("w1")
async def test_an_order_of_another_leader_that_comes_late_renders_nothing(stage: Stage) -> None:
    world = stage.worlds["w1"]
    slow = stage.operators[0]
    await asyncio.sleep(1)
    slow.errand_s = 3.0
    stage.submit("a", tiles=3)
    await stage.ends("a", State.ASSIGNED)
    slow.watch_held = True
    stage.set_execution("a", suspend=True)
    stage.start_operator()
    await stage.ends("a", State.SUSPENDED, within_s=1)
    assert world.agent is not None
    for _ in range(40):
        await asyncio.sleep(0.1)
        assert not world.agent.active
    slow.kill()
    stage.set_execution("a", suspend=False)
    await stage.ends("a", within_s=5)

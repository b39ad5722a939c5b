"""The way of a job, and what becomes of it when something fails. All around the scheduler is fake; time is made up."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from support import operator_agent_fake
from support.operator_clockwork import play
from support.operator_job_stage import Stage

from fractal_api.metadata import LabelSelector
from fractal_operator.core.lifecycle import State

Scene = Callable[[Stage], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_violation() -> Iterator[None]:
    operator_agent_fake.violations.clear()
    yield
    assert operator_agent_fake.violations == []


def perform(scene: Scene, **environment: str) -> None:
    """Play the scene on a stage of its own."""

    async def whole() -> None:
        stage = Stage(**environment)
        try:
            await scene(stage)
        finally:
            stage.close()

    play(whole)


def test_a_job_goes_its_way_with_eight_writes_at_most() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("seahorse", tiles=3)
        await stage.ends("seahorse")
        assert stage.store.shows(next(iter(stage.store.uids())))
        status = stage.status("seahorse")
        assert (status.attempts, status.assigned_to, status.failures, status.interruptions) == (1, "w1", 0, 0)
        await stage.until(lambda: "Completed" in stage.events("seahorse"))
        assert stage.events("seahorse") == ["Assigned", "Started", "Completed"]
        assert 1 + len(stage.server.writes) + len(stage.server.events) <= 8

    perform(scene)


def test_a_second_job_waits_for_the_world_and_says_so() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("first", tiles=10)
        await stage.ends("first", State.RUNNING)
        stage.submit("second")
        await stage.ends("second", State.QUEUED)
        assert "the world that fits is busy" in stage.condition("second", "Assigned").message
        await stage.ends("second")
        assert stage.server.writes.count(("second", "Pending")) == 1

    perform(scene)


def test_jobs_are_assigned_by_priority_then_arrival() -> None:
    async def scene(stage: Stage) -> None:
        stage.start_operator()
        for name, priority in (("b", 0), ("a", 0), ("urgent", 5)):
            stage.submit(name, priority=priority)
            await asyncio.sleep(0.01)
        stage.add_world("w1")
        for name in ("b", "a", "urgent"):
            await stage.ends(name)
        assert [name for name, phase in stage.server.writes if phase == "Assigned"] == ["urgent", "b", "a"]

    perform(scene)


def test_two_worlds_render_two_jobs_at_once() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.add_world("w2")
        stage.start_operator()
        for name in ("a", "b"):
            stage.submit(name, tiles=5)
        await stage.until(lambda: {stage.status(name).assigned_to for name in "ab"} == {"w1", "w2"}, within_s=2)
        await stage.ends("a")
        await stage.ends("b", within_s=1)

    perform(scene)


@pytest.mark.parametrize(
    ("world", "reason", "words"),
    [
        (None, "NoWorld", "there is no FractalNamespace"),
        ({"labels": {"gpu": "no"}}, "NoWorld", "worldSelector matches the labels of no FractalNamespace"),
        (
            {"labels": {"gpu": "yes"}, "allowed": LabelSelector(matchLabels={"team": "science"})},
            "NotAllowed",
            "spec.allowedNamespaces of w1 does not admit namespace art",
        ),
    ],
    ids=["no world", "selector", "not allowed"],
)
def test_a_job_that_fits_no_world_says_why(world: dict[str, Any] | None, reason: str, words: str) -> None:
    async def scene(stage: Stage) -> None:
        if world is not None:
            stage.add_world("w1", **world)
        stage.start_operator()
        stage.submit("a", worldSelector={"matchLabels": {"gpu": "yes"}})
        await stage.ends("a", State.QUEUED)
        told = stage.condition("a", "Assigned")
        assert (told.status, told.reason) == ("False", reason)
        assert words in told.message
        await asyncio.sleep(300)
        assert len(stage.server.writes) == 1

    perform(scene)


def test_a_world_that_takes_no_runs_says_why_to_the_job() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        world.takes_runs, world.why_not = False, "is being drained"
        stage.start_operator()
        stage.submit("a")
        await stage.ends("a", State.QUEUED)
        assert stage.condition("a", "Assigned").message == "the world w1 is being drained"
        world.takes_runs = True
        world.notice()
        await stage.ends("a", within_s=5)

    perform(scene)


def test_a_namespace_has_no_more_running_jobs_than_it_may() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.add_world("w2")
        stage.start_operator()
        stage.submit("a", tiles=5)
        stage.submit("b")
        await stage.ends("b", State.QUEUED)
        assert stage.condition("b", "Assigned").reason == "NamespaceLimit"
        await stage.ends("b")

    perform(scene, FRACTAL_MAX_RUNNING="1")


def test_a_spec_that_can_not_be_is_refused_in_a_sentence() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.server.create("a", {"fractal": {"type": "Mandelbrot", "zoom": "1e20000"}})
        await stage.ends("a", State.FAILED)
        assert stage.condition("a", "Failed").reason == "InvalidSpec"
        assert "spec.fractal.zoom" in stage.condition("a", "Failed").message
        assert stage.condition("a", "Accepted").status == "False"
        await stage.until(lambda: stage.events("a") == ["Failed"])
        assert stage.status("a").attempts == 0

    perform(scene)


def test_a_picture_that_no_store_takes_is_refused_before_anything_is_rendered() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        size = {"width": 65_536, "height": 1_025}
        stage.server.create("a", {"fractal": {"type": "Mandelbrot"}, "image": size})
        await stage.ends("a", State.FAILED)
        assert stage.condition("a", "Failed").reason == "TooLargeForStore"
        assert "67,108,864 pixels" in stage.condition("a", "Failed").message
        assert stage.status("a").attempts == 0

    perform(scene)


def test_what_the_kernel_can_not_render_is_never_tried_again() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        assert world.agent is not None
        world.agent.faults = ["DepthNotSupported"]
        stage.start_operator()
        stage.submit("a")
        await stage.ends("a", State.FAILED)
        assert stage.condition("a", "Failed").reason == "DepthNotSupported"
        assert (stage.status("a").attempts, stage.status("a").failures) == (1, 0)

    perform(scene)


def test_failures_of_worlds_back_off_and_are_bounded() -> None:
    async def scene(stage: Stage) -> None:
        for name in ("w1", "w2", "w3"):
            world = stage.add_world(name)
            assert world.agent is not None
            world.agent.faults = ["RenderFailed"] * 9
        stage.start_operator()
        stage.submit("a", backoffLimit=2)
        took_s = await stage.until(lambda: stage.state("a") is State.FAILED)
        status = stage.status("a")
        assert (status.attempts, status.failures) == (3, 3)
        assert stage.condition("a", "Failed").reason == "BackoffLimitExceeded"
        assert "as the test wanted it" in stage.condition("a", "Failed").message
        assert took_s >= 1 + 2

    perform(scene)


def test_a_job_that_failed_on_a_world_goes_to_another() -> None:
    async def scene(stage: Stage) -> None:
        first = stage.add_world("w1")
        assert first.agent is not None
        first.agent.faults = ["RenderFailed"] * 9
        stage.start_operator()
        stage.submit("a")
        await stage.ends("a", State.RUNNING)
        stage.add_world("w2")
        await stage.ends("a")
        assert (stage.status("a").assigned_to, stage.status("a").failures) == ("w2", 1)

    perform(scene)


def test_a_new_leader_knows_on_which_world_a_job_failed() -> None:
    async def scene(stage: Stage) -> None:
        first = stage.add_world("w1")
        assert first.agent is not None
        first.agent.faults = ["RenderFailed"] * 9
        operator = stage.start_operator()
        stage.submit("a")
        await stage.until(lambda: stage.status("a").failures == 1)
        operator.kill()
        assert (stage.state("a"), stage.status("a").failed_on) == (State.QUEUED, "w1")
        stage.add_world("w2")
        stage.start_operator()
        await stage.ends("a")
        assert (stage.status("a").assigned_to, stage.status("a").failures) == ("w2", 1)

    perform(scene)


def test_three_failures_in_ten_minutes_quarantine_a_world() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        assert world.agent is not None
        world.agent.faults = ["WorldHung"] * 3
        operator = stage.start_operator()
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

    perform(scene)


def test_a_new_leader_keeps_the_rest_of_a_quarantine_that_the_world_s_status_has() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        assert world.agent is not None
        world.agent.faults = ["WorldHung"] * 3
        operator = stage.start_operator()
        stage.submit("a")
        await stage.until(lambda: operator.scheduler.quarantine_of("w1") is not None)
        world.quarantine = operator.scheduler.quarantine_of("w1")
        await asyncio.sleep(300)
        operator.kill()
        operator = stage.start_operator()
        told = asyncio.create_task(operator.scheduler.changed("w1"))
        await stage.until(lambda: operator.scheduler.quarantine_of("w1") == world.quarantine)
        await told
        took_s = await stage.until(lambda: stage.state("a") is State.COMPLETE, within_s=700)
        assert 290 < took_s < 310
        assert operator.scheduler.quarantine_of("w1") is None

    perform(scene)


def test_a_suspended_job_frees_its_world_within_a_second_and_goes_on_from_its_tiles() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        operator = stage.start_operator()
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

    perform(scene)


def test_a_job_that_is_suspended_from_the_beginning_waits_for_its_owner() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("a", suspend=True)
        await stage.ends("a", State.SUSPENDED)
        await asyncio.sleep(1000)
        stage.set_execution("a", suspend=False)
        await stage.ends("a", within_s=5)

    perform(scene)


def test_a_job_fails_at_its_deadline_and_its_run_ends() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        stage.start_operator()
        stage.submit("a", tiles=50, activeDeadlineSeconds=10)
        took_s = await stage.until(lambda: stage.state("a") is State.FAILED)
        assert 10 <= took_s < 10.5
        assert stage.condition("a", "Failed").reason == "DeadlineExceeded"
        await stage.until(lambda: world.agent is not None and not world.agent.active, within_s=1)

    perform(scene)


def test_a_finished_job_is_deleted_after_its_time_with_its_picture() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("a", ttlSecondsAfterFinished=30)
        await stage.ends("a")
        took_s = await stage.until(lambda: "a" not in stage.server.jobs)
        assert 29 < took_s < 31
        await stage.until(lambda: not stage.store.uids(), within_s=1)

    perform(scene)


@pytest.mark.parametrize("after_ms", [0, 3, 6, 9, 12, 15, 20, 30, 50, 500, 2500, 2900, 3100])
def test_a_job_can_be_deleted_at_any_moment(after_ms: int) -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        stage.start_operator()
        await asyncio.sleep(1)
        stage.submit("a", tiles=3)
        await asyncio.sleep(after_ms / 1000)
        stage.server.remove("a")
        stage.submit("b")
        await stage.ends("b", within_s=4)
        assert world.agent is not None
        assert not world.agent.active
        await stage.until(lambda: stage.store.uids() == {stage.server.jobs["b"]["metadata"]["uid"]}, within_s=1)

    perform(scene)


def test_a_new_agent_gets_the_same_run_and_goes_on_from_its_tiles() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        stage.start_operator()
        uid = stage.submit("a", tiles=6)
        await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 3)
        world.die()
        await asyncio.sleep(8)
        world.boot()
        await stage.ends("a", within_s=5)
        status = stage.status("a")
        assert (status.attempts, status.failures, status.interruptions) == (1, 0, 1)

    perform(scene)


def test_a_restarted_container_is_noticed_by_the_silence_of_its_run() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        stage.start_operator()
        uid = stage.submit("a", tiles=6)
        await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 3)
        assert world.agent is not None
        world.agent.restart_inside()
        await stage.ends("a", within_s=22)
        assert stage.status("a").interruptions == 1

    perform(scene)


def test_a_job_leaves_a_world_that_does_not_come_back() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        stage.start_operator()
        uid = stage.submit("a", tiles=6)
        await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 3)
        world.die()
        stage.add_world("w2")
        await stage.ends("a", within_s=70)
        status = stage.status("a")
        assert (status.assigned_to, status.attempts, status.interruptions) == ("w2", 2, 1)

    perform(scene)


def test_a_job_leaves_a_deleted_world_at_once() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("a", tiles=3)
        await stage.ends("a", State.RUNNING)
        stage.add_world("w2")
        stage.drop_world("w1")
        await stage.ends("a", within_s=6)
        assert stage.status("a").assigned_to == "w2"

    perform(scene)


def test_an_interrupted_job_goes_elsewhere_and_nothing_is_counted() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        operator = stage.start_operator()
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

    perform(scene)


def test_an_interrupted_job_leaves_also_a_world_that_does_not_answer() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        operator = stage.start_operator()
        stage.submit("a", tiles=5)
        await stage.ends("a", State.RUNNING)
        world.die()
        await asyncio.sleep(1)
        operator.scheduler.interrupt("w1", "world w1 is being drained")
        await stage.until(lambda: operator.scheduler.job_on("w1") is None, within_s=6)

    perform(scene)


def test_a_run_whose_lines_are_lost_is_asked_after() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        world.lines_lost = True
        stage.start_operator()
        stage.submit("a")
        await stage.ends("a", within_s=8)
        stage.submit("b", tiles=20)
        await stage.ends("b", within_s=40)

    perform(scene)


def test_a_finished_run_waits_for_its_store() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("a", tiles=3)
        await stage.ends("a", State.RUNNING)
        stage.store.hidden = True
        await stage.until(lambda: stage.condition("a", "Running").reason == "StoreAway", within_s=20)
        await asyncio.sleep(100)
        stage.store.hidden = False
        await stage.ends("a", within_s=10)
        assert stage.status("a").attempts == 1

    perform(scene)


def test_a_damaged_image_is_put_together_again() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.store.damages = 1
        uid = stage.submit("a", tiles=3)
        await stage.ends("a")
        assert stage.store.shows(uid)

    perform(scene)


def test_an_api_server_that_is_away_costs_time_only() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("a", tiles=3)
        await stage.ends("a", State.RUNNING)
        stage.server.away = True
        await asyncio.sleep(60)
        stage.server.away = False
        await stage.ends("a", within_s=7)
        await stage.until(lambda: "Completed" in stage.events("a"))
        assert stage.status("a").attempts == 1

    perform(scene)


def test_the_next_leader_takes_over_without_the_job_noticing() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        first = stage.start_operator()
        uid = stage.submit("a", tiles=6)
        await stage.until(lambda: len(stage.store.tiles.get(uid, ())) == 2)
        first.kill()
        await asyncio.sleep(1)
        stage.start_operator()
        await stage.ends("a", within_s=5)
        status = stage.status("a")
        assert (status.attempts, status.interruptions) == (1, 0)
        await stage.until(lambda: stage.events("a") == ["Assigned", "Started", "Completed"])

    perform(scene)


def test_the_next_leader_takes_back_runs_that_nobody_wants() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        first = stage.start_operator()
        stage.submit("a", tiles=6)
        await stage.ends("a", State.RUNNING)
        first.kill()
        stage.server.remove("a")
        stage.start_operator()
        await stage.until(lambda: world.agent is not None and not world.agent.active, within_s=2)

    perform(scene)


def test_results_without_a_job_are_swept() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        first = stage.start_operator()
        stage.submit("a")
        kept = stage.submit("b")
        await stage.ends("a")
        await stage.ends("b")
        first.kill()
        stage.server.remove("a")
        stage.start_operator()
        await stage.until(lambda: stage.store.uids() == {kept}, within_s=70)

    perform(scene)


def test_a_picture_that_is_gone_is_told_of_and_the_job_stays_complete() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        uid = stage.submit("a")
        await stage.ends("a")
        stage.store.forget(uid)
        await stage.until(lambda: stage.condition("a", "ResultAvailable").status == "False", within_s=3700)
        assert stage.condition("a", "ResultAvailable").reason == "ResultLost"
        assert stage.state("a") is State.COMPLETE

    perform(scene)


def test_a_record_without_its_picture_is_told_of_too() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        stage.start_operator()
        uid = stage.submit("a")
        stage.submit("b")
        await stage.ends("a")
        await stage.ends("b")
        del stage.store.values[stage.store.keys(uid).chunk(1, 0)]
        for number in range(1, 20):
            stage.store.values.pop(stage.store.keys(uid).chunk(1, number), None)
        await stage.until(lambda: stage.condition("a", "ResultAvailable").status == "False", within_s=3700)
        assert stage.condition("b", "ResultAvailable").status == "True"

    perform(scene)


def test_a_stale_watch_does_not_undo_what_was_written() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        operator = stage.start_operator()
        await asyncio.sleep(1)
        operator.lag_s = 5.0
        stage.submit("a", tiles=20)
        await stage.ends("a", within_s=30)
        assert stage.status("a").attempts == 1

    perform(scene)


def test_an_assignment_whose_answer_is_lost_keeps_its_world() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        operator = stage.start_operator()
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

    perform(scene)


def test_a_job_that_goes_while_its_assignment_has_no_answer_is_seen_off() -> None:
    async def scene(stage: Stage) -> None:
        stage.add_world("w1")
        operator = stage.start_operator()
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

    perform(scene)


def test_an_order_of_another_leader_that_comes_late_renders_nothing() -> None:
    async def scene(stage: Stage) -> None:
        world = stage.add_world("w1")
        slow = stage.start_operator()
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

    perform(scene)

"""Statuses that were written though the answer was lost, and other trouble with the API server. Fakes all around."""

import asyncio

import pytest
from support.operator_clockwork import play
from support.operator_job_stage import Stage

from fractal_operator.core.lifecycle import State


@pytest.mark.parametrize("watch_held", [False, True])
def test_events_are_told_though_every_answer_is_lost(watch_held: bool) -> None:
    async def scene() -> None:
        stage = Stage()
        stage.add_world("w1")
        operator = stage.start_operator()
        stage.submit("a", tiles=3)
        await asyncio.sleep(0.02)
        operator.watch_held, stage.server.mute = watch_held, 3
        await stage.ends("a")
        await stage.until(lambda: "Completed" in stage.events("a"))
        assert stage.events("a") == ["Assigned", "Started", "Completed"]
        assert (stage.status("a").attempts, stage.status("a").interruptions) == (1, 0)
        stage.close()

    play(scene)


@pytest.mark.parametrize("watch_held", [False, True])
def test_a_run_ends_though_the_answer_that_its_job_failed_is_lost(watch_held: bool) -> None:
    async def scene() -> None:
        stage = Stage()
        stage.add_world("w1")
        operator = stage.start_operator()
        stage.submit("a", tiles=200, activeDeadlineSeconds=20)
        await stage.ends("a", State.RUNNING)
        await asyncio.sleep(10)
        operator.watch_held, stage.server.mute = watch_held, 1
        await stage.ends("a", State.FAILED)
        await stage.until(lambda: not stage.strays(), within_s=5)
        await stage.until(lambda: "Failed" in stage.events("a"))
        stage.close()

    play(scene)


@pytest.mark.parametrize("watch_held", [False, True])
def test_an_interruption_whose_answer_is_lost_counts_once(watch_held: bool) -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        operator = stage.start_operator()
        stage.submit("a", tiles=100)
        await stage.ends("a", State.RUNNING)
        await asyncio.sleep(10)
        world.die()
        world.boot()
        operator.watch_held, stage.server.mute = watch_held, 1
        await stage.until(lambda: stage.status("a").interruptions > 0)
        await asyncio.sleep(20)
        assert stage.server.mute == 0
        assert stage.status("a").interruptions == 1
        assert stage.state("a") is State.RUNNING
        stage.close()

    play(scene)


def test_a_run_ends_that_another_replica_took_its_job_off() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.add_world("w1")
        stage.start_operator()
        stage.submit("a", tiles=200)
        await stage.ends("a", State.RUNNING)
        job = stage.server.jobs["a"]
        status = job["status"] | {"conditions": [{"type": "Failed", "status": "True", "reason": "RenderFailed"}]}
        stage.server.put_status("/a/status", {**job, "status": status}, "somebody")
        await stage.until(lambda: not stage.strays(), within_s=2)
        await stage.until(lambda: "Failed" in stage.events("a"))
        stage.close()

    play(scene)


def test_rights_that_are_missing_for_a_while_cost_time_only() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.add_world("w1")
        operator = stage.start_operator()
        stage.server.forbidding = True
        stage.submit("a")
        await asyncio.sleep(30)
        assert not operator.task.done()
        stage.server.forbidding = False
        await stage.ends("a", within_s=15)
        stage.close()

    play(scene)


def test_a_right_that_is_missing_for_a_write_bars_the_job_for_seconds_only() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.start_operator()
        stage.submit("a")
        await stage.ends("a", State.QUEUED)
        stage.server.forbidding = True
        stage.add_world("w1")
        await asyncio.sleep(10)
        stage.server.forbidding = False
        await stage.ends("a", within_s=15)
        stage.close()

    play(scene)


def test_a_list_of_namespaces_replaces_the_one_before() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.add_world("w1")
        operator = stage.start_operator()
        stage.server.namespaces["science"] = {"team": "science"}
        placing = operator.scheduler._placing
        await stage.until(lambda: "science" in placing.clients)
        del stage.server.namespaces["science"]
        await stage.until(lambda: "science" not in placing.clients, within_s=700)
        stage.close()

    play(scene)


def test_the_list_of_a_sweep_does_not_put_off_the_scheduler_s() -> None:
    async def scene() -> None:
        stage = Stage(SWEEP_SECONDS="60")
        operator = stage.start_operator()
        await asyncio.sleep(30)
        census = operator.scheduler._census
        due = census.next_at
        await census.jobs()
        assert census.next_at == due
        stage.close()

    play(scene)

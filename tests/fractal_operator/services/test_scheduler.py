"""The way of a job, and what becomes of it when something fails. All around the scheduler is fake; time is made up."""

from collections.abc import Awaitable, Callable, Iterator

import pytest
from support import operator_agent_fake
from support.operator_clockwork import play
from support.operator_job_stage import Stage

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

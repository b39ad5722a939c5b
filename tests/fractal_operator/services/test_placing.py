"""Which job goes where, and what those are told that wait."""

import asyncio
from typing import Any

import pytest
from support.operator_job_stage import Stage
from support.operator_scenes import on_stage

from fractal_api.metadata import LabelSelector
from fractal_operator.core.lifecycle import State


@on_stage("w1")
async def test_a_job_goes_its_way_with_eight_writes_at_most(stage: Stage) -> None:
    stage.submit("seahorse", tiles=3)
    await stage.ends("seahorse")
    assert stage.store.shows(next(iter(stage.store.uids())))
    status = stage.status("seahorse")
    assert (status.attempts, status.assigned_to, status.failures, status.interruptions) == (1, "w1", 0, 0)
    await stage.until(lambda: "Completed" in stage.events("seahorse"))
    assert stage.events("seahorse") == ["Assigned", "Started", "Completed"]
    assert 1 + len(stage.server.writes) + len(stage.server.events) <= 8


@on_stage("w1")
async def test_a_second_job_waits_for_the_world_and_says_so(stage: Stage) -> None:
    stage.submit("first", tiles=10)
    await stage.ends("first", State.RUNNING)
    stage.submit("second")
    await stage.ends("second", State.QUEUED)
    assert "the world that fits is busy" in stage.condition("second", "Assigned").message
    await stage.ends("second")
    assert stage.server.writes.count(("second", "Pending")) == 1


@on_stage()
async def test_jobs_are_assigned_by_priority_then_arrival(stage: Stage) -> None:
    stage.start_operator()
    for name, priority in (("b", 0), ("a", 0), ("urgent", 5)):
        stage.submit(name, priority=priority)
        await asyncio.sleep(0.01)
    stage.add_world("w1")
    for name in ("b", "a", "urgent"):
        await stage.ends(name)
    assert [name for name, phase in stage.server.writes if phase == "Assigned"] == ["urgent", "b", "a"]


@on_stage("w1", "w2")
async def test_two_worlds_render_two_jobs_at_once(stage: Stage) -> None:
    for name in ("a", "b"):
        stage.submit(name, tiles=5)
    await stage.until(lambda: {stage.status(name).assigned_to for name in "ab"} == {"w1", "w2"}, within_s=2)
    await stage.ends("a")
    await stage.ends("b", within_s=1)


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
@on_stage()
async def test_a_job_that_fits_no_world_says_why(
    stage: Stage, world: dict[str, Any] | None, reason: str, words: str
) -> None:
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


@on_stage()
async def test_a_world_that_takes_no_runs_says_why_to_the_job(stage: Stage) -> None:
    world = stage.add_world("w1")
    world.takes_runs, world.why_not = False, "is being drained"
    stage.start_operator()
    stage.submit("a")
    await stage.ends("a", State.QUEUED)
    assert stage.condition("a", "Assigned").message == "the world w1 is being drained"
    world.takes_runs = True
    world.notice()
    await stage.ends("a", within_s=5)


@on_stage("w1", "w2", FRACTAL_MAX_RUNNING="1")
async def test_a_namespace_has_no_more_running_jobs_than_it_may(stage: Stage) -> None:
    stage.submit("a", tiles=5)
    stage.submit("b")
    await stage.ends("b", State.QUEUED)
    assert stage.condition("b", "Assigned").reason == "NamespaceLimit"
    await stage.ends("b")

"""Keepers of worlds: what they make, tell and leave alone, over a fake of the API server at the adapter's boundary."""

import asyncio
from datetime import UTC, datetime

import pytest
from support.operator_world_cluster import FakeBoard
from support.operator_world_stage import NAMESPACE, WORLD, Object, staged, unasked
from support.operator_worlds import UID

from fractal_operator.adapters.api_errors import ApiAway
from fractal_operator.core.names import LIFT_QUARANTINE
from fractal_operator.core.worlds import Quarantine


async def test_a_world_is_made_becomes_ready_and_is_told_with_its_agent() -> None:
    async with staged() as stage:
        view, agent = stage.board.view, stage.board.view.agent

        assert (view.name, view.uid, view.takes_runs, view.why_not) == ("w1", UID, True, "")
        assert agent is not None
        assert agent.url == "http://10.0.0.0:8000"
        assert agent.token
        assert stage.cluster.pods_of("w1") == ["mpi-node-0", "mpi-node-1"]
        assert {path.split("/")[-2] for path in stage.cluster.objects if "w1" in path} >= {
            "namespaces", "services", "networkpolicies", "rolebindings", "secrets", "statefulsets"
        }  # fmt: skip
        status = stage.cluster.objects[WORLD]["status"]
        assert (status["nodes"], status["readyNodes"], status["slots"]) == (2, 2, 2)


async def test_a_world_that_is_as_it_should_be_is_not_written_to() -> None:
    async with staged() as stage:
        before = len(stage.cluster.calls)
        stage.cluster.tell("Pod", "MODIFIED", stage.cluster.objects[f"{NAMESPACE}/pods/mpi-node-0"])
        stage.board.assign("art/sea")
        await asyncio.sleep(0.2)
        assert len(stage.cluster.calls) == before, "a short job is not worth a write"
        stage.ahead_s = 5.0
        stage.board.assign("art/sea")  # wakes
        await stage.until(
            lambda: stage.cluster.objects[WORLD]["status"].get("currentJob") == "art/sea", "the job is told"
        )

        assert [path for _, path in stage.cluster.calls[before:]] == [f"{WORLD}/status"]


async def test_short_jobs_cost_no_write_at_their_world() -> None:
    async with staged() as stage:
        before = len(stage.cluster.calls)
        for number in range(5):
            stage.board.assign(f"art/sea-{number}")
            await asyncio.sleep(0.1)
            stage.board.assign(None)
            await asyncio.sleep(0.1)
        stage.ahead_s = 60.0
        stage.board.assign(None)  # wakes
        await asyncio.sleep(0.2)
        assert [path for _, path in stage.cluster.calls[before:] if path == f"{WORLD}/status"] == []


async def test_nothing_is_decided_before_every_job_is_known() -> None:
    async with unasked() as stage:
        stage.board.known.clear()
        stage.ask()
        await asyncio.sleep(0.1)
        assert stage.cluster.calls == []

        stage.board.known.set()
        await stage.until_ready()


async def test_an_operator_that_takes_over_changes_nothing_that_is_right() -> None:
    async with staged() as stage:
        uids = [pod["metadata"]["uid"] for path, pod in stage.cluster.objects.items() if "/pods/" in path]
        written, told = len(stage.cluster.calls), len(stage.board.views)
        successor = stage.succeed()
        successor.observe_world(None, stage.cluster.objects[WORLD])
        await stage.until(lambda: len(stage.board.views) > told, "the world is told")

        assert all(view.takes_runs for view in stage.board.views[told:])
        assert [pod["metadata"]["uid"] for path, pod in stage.cluster.objects.items() if "/pods/" in path] == uids
        assert {verb for verb, _ in stage.cluster.calls[written:]} <= {"apply"}


async def test_an_operator_that_takes_over_keeps_a_world_in_quarantine_until_its_end() -> None:
    def status() -> Object:
        found: Object = stage.cluster.objects[WORLD]["status"]
        return found

    async with staged() as stage:
        stage.board.quarantine = Quarantine(ends_at=datetime(2026, 11, 27, 8, tzinfo=UTC), message="is in quarantine")
        stage.board.assign(None)
        await stage.until(lambda: "quarantinedUntil" in status(), "the quarantine is written")
        before, written = stage.board.quarantine, len(stage.cluster.calls)
        stage.board = FakeBoard()
        successor = stage.succeed()
        successor.observe_world(None, stage.cluster.objects[WORLD])
        await stage.until(lambda: bool(stage.board.views), "the world is told")
        assert stage.board.view.quarantine == before
        stage.edit(WORLD, lambda obj: obj["metadata"].update(generation=2))
        await stage.until(lambda: status()["observedGeneration"] == 2, "it was looked after")
        assert status()["quarantinedUntil"] == "2026-11-27T08:00:00Z"
        assert stage.cluster.calls[written:].count(("merge", f"{WORLD}/status")) == 1

        stage.board.quarantine = None
        stage.board.assign(None)
        await stage.until(lambda: "quarantinedUntil" not in status(), "its end is written")


@pytest.mark.parametrize("taken_over", [False, True], ids=["by the leader that knows", "by the next one"])
async def test_a_person_can_lift_a_quarantine_by_an_annotation_that_goes_when_it_is_done(taken_over: bool) -> None:
    async with staged() as stage:
        stage.board.quarantine = Quarantine(ends_at=datetime(2026, 11, 27, 8, tzinfo=UTC), message="is in quarantine")
        stage.board.assign(None)
        await stage.until(lambda: "quarantinedUntil" in stage.cluster.objects[WORLD]["status"], "it is written")
        if taken_over:
            stage.board = FakeBoard()
            stage.succeed()
        stage.edit(WORLD, lambda obj: obj["metadata"].setdefault("annotations", {}).update({LIFT_QUARANTINE: "now"}))
        await stage.until(lambda: stage.cluster.objects[WORLD]["metadata"]["annotations"] == {}, "it is ticked off")
        await stage.until_ready()

        status = stage.cluster.objects[WORLD]["status"]
        degraded = next(each for each in status["conditions"] if each["type"] == "Degraded")
        assert "quarantinedUntil" not in status
        assert degraded["status"] == "False"
        assert stage.board.quarantine is None
        assert stage.board.view.quarantine is None
        reasons = [obj["reason"] for path, obj in stage.cluster.objects.items() if "/events/" in path]
        assert reasons == ["WorldReady", "Quarantined", "QuarantineEnded"]


async def test_a_turn_that_can_not_be_told_at_once_is_told_later() -> None:
    async with unasked() as stage:
        stage.cluster.refuses["/events"] = ApiAway("a webhook doesn't answer")
        stage.ask()
        await stage.until_ready()
        assert not [path for path in stage.cluster.objects if "/events/" in path]
        stage.cluster.refuses.clear()
        stage.board.assign(None)  # wakes
        await stage.until(lambda: any("/events/" in path for path in stage.cluster.objects), "it is told")


async def test_turns_are_told_as_events_once_each() -> None:
    async with staged() as stage:
        stage.cluster.tell("Pod", "MODIFIED", stage.cluster.objects[f"{NAMESPACE}/pods/mpi-node-0"])
        stage.edit(f"{NAMESPACE}/pods/mpi-node-1", lambda obj: obj["status"]["conditions"][0].update(status="False"))
        await stage.until(lambda: stage.ready() == ("False", "WorldLost"), "it is lost")
        reasons = [obj["reason"] for path, obj in stage.cluster.objects.items() if "/events/" in path]

        assert reasons == ["WorldReady", "WorldLost"]


async def test_what_the_agent_says_is_told_while_its_world_is_not_ready() -> None:
    async with staged() as stage:
        keepers = stage.succeed()
        keepers.observe_world(None, stage.cluster.objects[WORLD])
        keepers.tell("w1", "1 of 2 peers are ready: mpi-node-1 refuses connections")
        stage.edit(f"{NAMESPACE}/pods/mpi-node-0", lambda obj: obj["status"]["conditions"][0].update(status="False"))

        await stage.until(lambda: "refuses connections" in stage.board.view.why_not, "it is told")


async def test_the_agents_pod_is_given_as_soon_as_it_has_an_address() -> None:
    async with unasked() as stage:
        stage.ask()
        pod = await asyncio.wait_for(stage.keepers.agent("w1"), 30)

        assert pod.name == "mpi-node-0"
        assert stage.keepers.incarnation("w1", pod.uid) == pod.incarnation
        assert stage.keepers.incarnation("w1", "gone") == ""


async def test_a_namespace_of_somebody_else_is_never_adopted() -> None:
    async with unasked() as stage:
        stage.cluster.put(
            NAMESPACE,
            {"kind": "Namespace", "metadata": {"name": "w1", "labels": {"clusteredfractals.dev/world": "w1"}}},
        )
        stage.ask()
        await stage.until(lambda: stage.ready() == ("False", "NamespaceConflict"), "it is refused")
        assert not [path for path in stage.cluster.objects if path.startswith(f"{NAMESPACE}/")]
        assert "ownerReferences" not in stage.cluster.objects[NAMESPACE]["metadata"]

        stage.cluster.remove(NAMESPACE)
        await stage.until_ready()

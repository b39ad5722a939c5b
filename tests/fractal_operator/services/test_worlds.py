"""Keepers of worlds, over a fake of the API server at the adapter's boundary."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.operator_world_cluster import FakeBoard, FakeCluster, refuse
from support.operator_worlds import HOME, UID, world_object

from fractal_operator.adapters.api_errors import ApiAway, Forbidden, Immutable, Invalid, refusal
from fractal_operator.core.names import WORLD_SET
from fractal_operator.core.worlds import Quarantine
from fractal_operator.services.worlds.keepers import WorldKeepers
from fractal_operator.services.worlds.tools import Tools

if TYPE_CHECKING:
    from fractal_operator.adapters.api import Api

Object = dict[str, Any]

WORLD = "/apis/clusteredfractals.dev/v1alpha1/fractalnamespaces/w1"
NAMESPACE = "/api/v1/namespaces/w1"
SET = f"/apis/apps/v1/namespaces/w1/statefulsets/{WORLD_SET}"
SERVICE = f"{NAMESPACE}/services/{WORLD_SET}"
WALL = "/apis/networking.k8s.io/v1/namespaces/w1/networkpolicies/world"


@dataclass
class Stage:
    """One world `w1`, its keepers, and whom they talk to."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    board: FakeBoard = field(default_factory=FakeBoard)
    farewell: asyncio.Event = field(default_factory=asyncio.Event)
    store: str = "redis://world:pw@redis.clusteredfractals.svc:6379/0"
    ahead_s: float = 0.0

    def keepers(self) -> WorldKeepers:
        loop = asyncio.get_running_loop()

        async def store() -> str:
            return self.store

        async def pepper() -> str:
            return "known to few"

        tools = Tools(
            api=cast("Api", self.cluster),
            board=self.board,
            home=HOME,
            store=store,
            pepper=pepper,
            farewell=self.farewell,
            clock=lambda: loop.time() + self.ahead_s,
        )
        keepers = WorldKeepers(tools)

        def tell(kind: str, event_type: str, obj: Object) -> None:
            if kind == "FractalNamespace":
                keepers.observe_world(event_type, obj)
            else:
                keepers.observe_child(kind, event_type, obj)

        self.cluster.tell = tell
        return keepers

    def ask(self, **spec: object) -> None:
        """Somebody applies the FractalNamespace."""
        self.cluster.put(WORLD, world_object(**spec))

    def edit(self, path: str, change: Callable[[Object], object]) -> None:
        """Somebody edits an object."""
        obj = copy.deepcopy(self.cluster.objects[path])
        change(obj)
        self.cluster.put(path, obj)

    def leave(self) -> None:
        """Somebody deletes the FractalNamespace, which a finalizer keeps."""
        self.edit(WORLD, lambda obj: obj["metadata"].update(deletionTimestamp="1970-01-01T00:00:00Z"))

    def ready(self) -> tuple[str, str]:
        """Status and reason of the condition Ready."""
        status = self.cluster.objects[WORLD].get("status", {})
        found = next((each for each in status.get("conditions", ()) if each["type"] == "Ready"), {})
        return found.get("status", ""), found.get("reason", "")

    async def until(self, holds: Callable[[], bool], what: str, within_s: float = 5.0) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not holds():  # noqa: ASYNC110 - it is asked of what a fake was told
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what}; {self.cluster.objects.get(WORLD)}") from None

    async def until_ready(self) -> None:
        await self.until(lambda: self.ready() == ("True", "WorldReady") and self.board.view.takes_runs, "ready")


@asynccontextmanager
async def staged(**spec: object) -> AsyncIterator[Stage]:
    """A world that is ready."""
    stage = Stage()
    keepers = stage.keepers()
    try:
        stage.ask(**spec)
        await stage.until_ready()
        yield stage
    finally:
        await keepers.close()


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


@pytest.mark.parametrize("path", [SERVICE, WALL, SET], ids=["Service", "NetworkPolicy", "StatefulSet"])
async def test_what_somebody_deletes_comes_back(path: str) -> None:
    async with staged() as stage:
        stage.cluster.remove(path)

        await stage.until(lambda: path in stage.cluster.objects, "it is back")
        await stage.until_ready()


@pytest.mark.parametrize("path", [SERVICE, WALL], ids=["Service", "NetworkPolicy"])
async def test_what_vanishes_while_nobody_tells_comes_back(path: str) -> None:
    async with staged() as stage:
        written = len(stage.cluster.calls)
        del stage.cluster.objects[path]
        stage.ahead_s = 61.0
        stage.board.assign(None)  # wakes

        await stage.until(lambda: path in stage.cluster.objects, "it is back")
        assert stage.cluster.calls[written:] == [("apply", path)]


async def test_a_namespace_that_vanishes_while_nobody_tells_comes_back_with_all_that_was_in_it() -> None:
    async with staged() as stage:
        for path in [path for path in stage.cluster.objects if "/namespaces/w1" in path]:
            del stage.cluster.objects[path]
        stage.ahead_s = 61.0
        stage.board.assign(None)  # wakes

        await stage.until(lambda: WALL in stage.cluster.objects and SET in stage.cluster.objects, "all is back")
        await stage.until_ready()


async def test_what_somebody_edits_is_put_right() -> None:
    async with staged() as stage:
        stage.edit(WALL, lambda obj: obj["spec"].update(ingress=[{}]))
        await stage.until(lambda: len(stage.cluster.objects[WALL]["spec"]["ingress"]) == 2, "the wall stands again")

        stage.edit(NAMESPACE, lambda obj: obj["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"))
        await stage.until(
            lambda: "pod-security.kubernetes.io/enforce" in stage.cluster.objects[NAMESPACE]["metadata"]["labels"],
            "the label is back",
        )


async def test_a_set_that_somebody_edits_is_put_right_without_touching_its_pods() -> None:
    async with staged() as stage:
        uids = [pod["metadata"]["uid"] for path, pod in stage.cluster.objects.items() if "/pods/" in path]
        stage.edit(SET, lambda obj: obj["spec"]["template"]["spec"].update(hostNetwork=True))

        await stage.until(
            lambda: "hostNetwork" not in stage.cluster.objects[SET]["spec"]["template"]["spec"], "it is put right"
        )
        assert [pod["metadata"]["uid"] for path, pod in stage.cluster.objects.items() if "/pods/" in path] == uids
        assert stage.board.view.takes_runs


async def test_a_deleted_secret_comes_back_the_same_when_it_is_looked_for() -> None:
    async with staged() as stage:
        (path,) = [path for path in stage.cluster.objects if f"{NAMESPACE}/secrets/" in path]
        data = stage.cluster.objects[path]["data"]
        stage.cluster.remove(path)
        stage.ahead_s = 61.0
        stage.board.assign(None)  # wakes

        await stage.until(lambda: path in stage.cluster.objects, "it is back")
        assert stage.cluster.objects[path]["data"] == data


async def test_another_store_password_makes_another_secret_and_new_pods() -> None:
    async with staged() as stage:
        before = (
            set(stage.cluster.pods_of("w1")),
            stage.cluster.objects[f"{NAMESPACE}/pods/mpi-node-0"]["metadata"]["uid"],
        )
        stage.store, stage.ahead_s = "redis://world:new@redis:6379/0", 61.0
        stage.board.assign(None)

        await stage.until(
            lambda: len([path for path in stage.cluster.objects if "/secrets/" in path]) == 2, "there is another one"
        )
        await stage.until_ready()
        await stage.until(
            lambda: len([path for path in stage.cluster.objects if "/secrets/" in path]) == 1, "the old one is gone"
        )
        uid = stage.cluster.objects[f"{NAMESPACE}/pods/mpi-node-0"]["metadata"]["uid"]
        assert (set(stage.cluster.pods_of("w1")), uid) != before


async def test_a_change_waits_for_the_run_and_then_replaces_every_pod() -> None:
    async with staged() as stage:
        stage.board.assign("art/sea")
        stage.ask(nodes=3)
        await stage.until(lambda: stage.ready() == ("False", "RolloutPending"), "it is pending")
        assert len(stage.cluster.pods_of("w1")) == 2
        assert not stage.board.view.takes_runs
        assert "art/sea" in stage.board.view.why_not
        assert stage.board.view.agent is not None

        stage.board.assign(None)
        await stage.until_ready()
        assert len(stage.cluster.pods_of("w1")) == 3
        assert stage.cluster.written("delete", "/pods/") == 2


async def test_a_world_that_is_to_rest_lets_its_run_end() -> None:
    async with staged(nodes=1) as stage:
        stage.board.assign("art/sea")
        stage.ask(nodes=0)
        await stage.until(lambda: stage.ready() == ("False", "RolloutPending"), "it is pending")
        assert stage.cluster.pods_of("w1") == ["mpi-node-0"]

        stage.board.assign(None)
        await stage.until(lambda: stage.ready() == ("False", "ScaledToZero"), "it rests")
        assert stage.cluster.pods_of("w1") == []


async def test_nothing_is_decided_before_every_job_is_known() -> None:
    stage = Stage()
    stage.board.known.clear()
    keepers = stage.keepers()
    stage.ask()
    await asyncio.sleep(0.1)
    assert stage.cluster.calls == []

    stage.board.known.set()
    await stage.until_ready()
    await keepers.close()


async def test_an_operator_that_takes_over_changes_nothing_that_is_right() -> None:
    async with staged() as stage:
        uids = [pod["metadata"]["uid"] for path, pod in stage.cluster.objects.items() if "/pods/" in path]
        written, told = len(stage.cluster.calls), len(stage.board.views)
        successor = stage.keepers()
        successor.observe_world(None, stage.cluster.objects[WORLD])
        await stage.until(lambda: len(stage.board.views) > told, "the world is told")

        assert all(view.takes_runs for view in stage.board.views[told:])
        assert [pod["metadata"]["uid"] for path, pod in stage.cluster.objects.items() if "/pods/" in path] == uids
        assert {verb for verb, _ in stage.cluster.calls[written:]} <= {"apply"}
        await successor.close()


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
        successor = stage.keepers()
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
        await successor.close()


async def test_a_namespace_of_somebody_else_is_never_adopted() -> None:
    stage = Stage()
    stage.cluster.put(
        NAMESPACE, {"kind": "Namespace", "metadata": {"name": "w1", "labels": {"clusteredfractals.dev/world": "w1"}}}
    )
    keepers = stage.keepers()
    stage.ask()
    await stage.until(lambda: stage.ready() == ("False", "NamespaceConflict"), "it is refused")
    assert not [path for path in stage.cluster.objects if path.startswith(f"{NAMESPACE}/")]
    assert "ownerReferences" not in stage.cluster.objects[NAMESPACE]["metadata"]

    stage.cluster.remove(NAMESPACE)
    await stage.until_ready()
    await keepers.close()


async def test_a_template_that_the_api_server_refuses_is_told_in_its_words() -> None:
    async with staged() as stage:
        stage.cluster.refuses["mpi-node-trial"] = refuse('StatefulSet "mpi-node-trial" is invalid: no such operator')
        stage.ask(nodes=3)
        await stage.until(lambda: stage.ready() == ("False", "InvalidSpec"), "it is refused")

        assert 'StatefulSet "mpi-node" is invalid: no such operator' in stage.board.view.why_not
        assert len(stage.cluster.pods_of("w1")) == 2

        del stage.cluster.refuses["mpi-node-trial"]
        stage.ask(nodes=1)
        await stage.until_ready()


async def test_a_field_that_the_api_server_does_not_know_is_refused_too() -> None:
    async with staged() as stage:
        stage.cluster.refuses["mpi-node-trial"] = refusal(
            "PATCH /x", 500, b'{"message": "failed to create typed patch object: .spec.foo"}'
        )
        stage.ask(nodes=3)

        await stage.until(lambda: stage.ready() == ("False", "InvalidSpec"), "it is refused")


async def test_a_world_that_does_not_start_is_given_up_and_tried_again() -> None:
    stage = Stage()
    stage.cluster.stuck = True
    keepers = stage.keepers()
    stage.ask(startDeadlineSeconds=30)
    await stage.until(lambda: stage.ready() == ("False", "PodsStarting"), "it starts")

    stage.ahead_s = 31.0
    stage.board.assign(None)
    await stage.until(lambda: stage.ready() == ("False", "StartDeadlineExceeded"), "it is given up")
    assert stage.cluster.pods_of("w1") == []

    stage.cluster.stuck = False
    stage.ahead_s = 92.0
    stage.board.assign(None)
    await stage.until_ready()
    await keepers.close()


async def test_why_pods_are_not_made_is_told_by_an_event_alone() -> None:
    async with staged() as stage:
        stage.cluster.forbids_pods = True
        stage.ask(nodes=1)
        await stage.until(lambda: "not made yet" in stage.board.view.why_not, "it waits")
        set_uid = stage.cluster.objects[SET]["metadata"]["uid"]
        event = {
            "metadata": {"name": "e1"},
            "involvedObject": {"kind": "StatefulSet", "name": WORLD_SET, "uid": set_uid},
            "lastTimestamp": "2026-11-27T07:00:00Z",
            "message": "no PriorityClass with name high was found",
        }
        stage.cluster.put(f"{NAMESPACE}/events/e1", event)
        stage.board.assign(None)  # wakes

        await stage.until(lambda: "no PriorityClass with name high" in stage.board.view.why_not, "the reason is told")


async def test_a_drain_takes_the_run_back_after_its_deadline() -> None:
    async with staged() as stage:
        stage.board.assign("art/sea")
        stage.ask(drain=True, drainTimeoutSeconds=60)
        await stage.until(lambda: stage.ready() == ("False", "DrainRequested"), "it drains")
        assert stage.board.interrupted == []

        stage.ahead_s = 61.0
        stage.cluster.tell("Pod", "MODIFIED", stage.cluster.objects[f"{NAMESPACE}/pods/mpi-node-0"])
        await stage.until(lambda: stage.ready() == ("False", "Drained"), "it is drained")
        assert len(stage.board.interrupted) == 1
        assert stage.cluster.pods_of("w1") == ["mpi-node-0", "mpi-node-1"]


async def test_a_world_is_let_go_when_its_run_is_over() -> None:
    stage = Stage()
    keepers = stage.keepers()
    stage.ask()
    await stage.until_ready()
    stage.board.assign("art/sea")
    stage.ahead_s = -asyncio.get_running_loop().time() + 1  # a second after the deletion was asked for
    stage.leave()
    assert not await keepers.released("w1", UID, within_s=0.3)

    stage.board.assign(None)
    assert await keepers.released("w1", UID, within_s=5)
    assert stage.board.dropped == ["w1"]
    await keepers.close()


async def test_a_world_is_let_go_though_nothing_of_it_can_be_seen_any_more() -> None:
    stage = Stage()
    keepers = stage.keepers()
    stage.ask()
    await stage.until_ready()
    stage.cluster.blind = Forbidden("somebody took the operator's rights there")
    stage.ahead_s = 61.0
    stage.leave()

    assert await keepers.released("w1", UID, within_s=5)
    await keepers.close()


async def test_nothing_is_drained_when_all_of_it_is_uninstalled() -> None:
    stage = Stage()
    keepers = stage.keepers()
    stage.ask()
    await stage.until_ready()
    stage.board.assign("art/sea")
    stage.ahead_s = -asyncio.get_running_loop().time() + 1
    stage.leave()
    stage.farewell.set()

    assert await keepers.released("w1", UID, within_s=0.1)
    await keepers.close()


async def test_a_world_nobody_keeps_may_go() -> None:
    assert await Stage().keepers().released("unknown", UID, within_s=5)


async def test_a_world_that_is_gone_is_dropped_and_a_new_one_of_its_name_is_another() -> None:
    async with staged() as stage:
        stage.cluster.remove(WORLD)
        assert stage.board.dropped == ["w1"]

        for path in [path for path in stage.cluster.objects if "/w1" in path]:
            stage.cluster.objects.pop(path, None)
        stage.cluster.put(WORLD, world_object(uid="another"))
        await stage.until(lambda: stage.board.view.uid == "another" and stage.board.view.takes_runs, "it is made")


@pytest.mark.parametrize(
    "error", [ApiAway("no answer"), Forbidden("not yet"), RuntimeError("a bug")], ids=lambda error: type(error).__name__
)
async def test_whatever_fails_is_tried_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.cluster.refuses["networkpolicies"] = error
    keepers = stage.keepers()
    stage.ask()
    await stage.until(lambda: "looked after" in caplog.text or "looking after" in caplog.text, "it is told")

    stage.cluster.refuses.clear()
    await stage.until_ready()
    await keepers.close()


@pytest.mark.parametrize("path", [NAMESPACE, SET, WALL], ids=["Namespace", "StatefulSet", "NetworkPolicy"])
async def test_what_a_webhook_refuses_to_change_is_not_deleted(path: str) -> None:
    async with staged() as stage:
        stage.cluster.refuses[path] = Invalid("a webhook denied the request")
        stage.edit(path, lambda obj: obj["metadata"]["labels"].clear())
        await stage.until(lambda: stage.ready() == ("False", "KeepingFailed"), "it is told")
        assert stage.cluster.written("delete", "w1") == 0


async def test_a_fixture_with_a_wrong_value_in_a_fixed_field_is_made_anew() -> None:
    async with staged() as stage:
        stage.cluster.fixed.add(SERVICE)
        stage.edit(SERVICE, lambda obj: obj["spec"].update(clusterIP="10.1.1.1"))
        await stage.until(lambda: stage.cluster.objects[SERVICE]["spec"]["clusterIP"] == "None", "it is made anew")
        assert stage.cluster.written("delete", SERVICE) == 1


async def test_a_namespace_is_never_made_anew() -> None:
    async with staged() as stage:
        stage.cluster.refuses[NAMESPACE] = Immutable("field is immutable")
        stage.edit(NAMESPACE, lambda obj: obj["metadata"]["labels"].clear())
        await stage.until(lambda: stage.ready() == ("False", "KeepingFailed"), "it is told")
        assert stage.cluster.written("delete", "w1") == 0


async def test_a_set_with_a_wrong_value_in_a_fixed_field_is_made_anew_when_its_run_is_over() -> None:
    async with staged() as stage:
        stage.board.assign("art/sea")
        stage.cluster.fixed.add(SET)
        stage.edit(SET, lambda obj: obj["spec"].update(serviceName="other"))
        await stage.until(lambda: not stage.board.view.takes_runs, "no run may begin there")
        await stage.until(lambda: stage.ready() == ("False", "KeepingFailed"), "it is told")
        assert stage.cluster.written("delete", SET) == 0
        assert len(stage.cluster.pods_of("w1")) == 2

        stage.board.assign(None)
        await stage.until_ready()
        assert stage.cluster.written("delete", SET) == 1
        assert stage.cluster.objects[SET]["spec"]["serviceName"] == WORLD_SET


async def test_why_a_world_can_not_be_looked_after_is_told_and_no_run_begins_there() -> None:
    async with staged() as stage:
        stage.cluster.refuses["networkpolicies"] = Forbidden("the webhook says no.")
        stage.cluster.remove(WALL)
        await stage.until(lambda: stage.ready() == ("False", "KeepingFailed"), "it is told")
        assert stage.board.view.why_not == "can't be looked after: the webhook says no"
        assert stage.board.view.agent is not None
        conditions = {each["type"]: each for each in stage.cluster.objects[WORLD]["status"]["conditions"]}
        assert conditions["Degraded"]["status"] == "True"
        assert conditions["Degraded"]["message"] == "The world can't be looked after: the webhook says no."

        stage.cluster.refuses.clear()
        await stage.until_ready()


async def test_a_short_absence_of_the_api_server_is_no_trouble_of_a_world() -> None:
    async with staged() as stage:
        stage.cluster.refuses["networkpolicies"] = ApiAway("no answer")
        stage.cluster.remove(WALL)
        await stage.until(lambda: stage.cluster.written("apply", WALL) >= 4, "it was tried")
        assert stage.board.view.takes_runs

        stage.ahead_s = 31.0
        stage.board.assign(None)  # wakes
        await stage.until(lambda: stage.ready() == ("False", "KeepingFailed"), "it lasts")


async def test_a_refused_template_is_tried_again_after_a_while() -> None:
    async with staged() as stage:
        stage.cluster.refuses["mpi-node-trial"] = refuse("the quota is used up")
        stage.ask(nodes=3)
        await stage.until(lambda: stage.ready() == ("False", "InvalidSpec"), "it is refused")
        stage.cluster.refuses.clear()

        stage.ahead_s = 61.0
        stage.board.assign(None)  # wakes
        await stage.until_ready()
        assert len(stage.cluster.pods_of("w1")) == 3


async def test_turns_are_told_as_events_once_each() -> None:
    async with staged() as stage:
        stage.cluster.tell("Pod", "MODIFIED", stage.cluster.objects[f"{NAMESPACE}/pods/mpi-node-0"])
        stage.edit(f"{NAMESPACE}/pods/mpi-node-1", lambda obj: obj["status"]["conditions"][0].update(status="False"))
        await stage.until(lambda: stage.ready() == ("False", "WorldLost"), "it is lost")
        reasons = [obj["reason"] for path, obj in stage.cluster.objects.items() if "/events/" in path]

        assert reasons == ["WorldReady", "WorldLost"]


async def test_what_the_agent_says_is_told_while_its_world_is_not_ready() -> None:
    async with staged() as stage:
        keepers = stage.keepers()
        keepers.observe_world(None, stage.cluster.objects[WORLD])
        keepers.tell("w1", "1 of 2 peers are ready: mpi-node-1 refuses connections")
        stage.edit(f"{NAMESPACE}/pods/mpi-node-0", lambda obj: obj["status"]["conditions"][0].update(status="False"))

        await stage.until(lambda: "refuses connections" in stage.board.view.why_not, "it is told")
        await keepers.close()


async def test_the_agents_pod_is_given_as_soon_as_it_has_an_address() -> None:
    stage = Stage()
    keepers = stage.keepers()
    stage.ask()
    pod = await asyncio.wait_for(keepers.agent("w1"), 5)

    assert pod.name == "mpi-node-0"
    assert keepers.incarnation("w1", pod.uid) == pod.incarnation
    assert keepers.incarnation("w1", "gone") == ""
    await keepers.close()

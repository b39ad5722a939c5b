"""A world whose FractalNamespace changes, or that doesn't come: rollouts, refusals, starts, and troubles on the way."""

import pytest
from support.operator_world_cluster import refuse
from support.operator_world_stage import NAMESPACE, SET, WALL, WORLD, staged, unasked

from fractal_operator.adapters.api_errors import ApiAway, Forbidden, refusal
from fractal_operator.core.names import WORLD_SET


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
            "PATCH /x", 500, b'{"message": "failed to create typed patch object: errors:\\n  .spec.foo\\n  .spec.bar"}'
        )
        stage.ask(nodes=3)

        await stage.until(lambda: stage.ready() == ("False", "InvalidSpec"), "it is refused")
        assert (
            "errors: .spec.foo .spec.bar" in stage.board.view.why_not
        )  # kubectl shows the first line of a column only


async def test_a_world_that_does_not_start_is_given_up_and_tried_again() -> None:
    async with unasked() as stage:
        stage.cluster.stuck = True
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


@pytest.mark.parametrize(
    "error", [ApiAway("no answer"), Forbidden("not yet"), RuntimeError("a bug")], ids=lambda error: type(error).__name__
)
async def test_whatever_fails_is_tried_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async with unasked() as stage:
        stage.cluster.refuses["networkpolicies"] = error
        stage.ask()
        await stage.until(lambda: "looked after" in caplog.text or "looking after" in caplog.text, "it is told")

        stage.cluster.refuses.clear()
        await stage.until_ready()


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

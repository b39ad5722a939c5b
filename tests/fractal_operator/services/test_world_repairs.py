"""What keepers do when somebody deletes or edits what is a world's, and what they never do."""

import pytest
from support.operator_world_stage import NAMESPACE, SERVICE, SET, WALL, staged

from fractal_operator.adapters.api_errors import Immutable, Invalid
from fractal_operator.core.names import WORLD_SET


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

"""The objects of a world, compared with files that show them as people read them.

FRACTAL_WRITE_GOLDEN=1 writes the files anew; a change in them is a change that every world will see.
"""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.checkout import ROOT
from support.operator_worlds import SECRET, world_plan

from fractal_operator.builders.namespace import build_namespace
from fractal_operator.builders.network_policy import build_network_policy
from fractal_operator.builders.role_bindings import build_role_bindings
from fractal_operator.builders.secrets import KeyPair, build_secret, read_secret, secret_name
from fractal_operator.builders.service import build_service
from fractal_operator.builders.stateful_set import build_stateful_set
from fractal_operator.core.names import REVISION
from fractal_operator.core.world_plan import WorldPlan

GOLDEN = ROOT / "tests/data/operator"

RICH: dict[str, Any] = {
    "nodes": 3,
    "slotsPerNode": 4,
    "image": "ghcr.io/me/kernel:2",
    "template": {
        "labels": {"team": "art", "app.kubernetes.io/name": "not-theirs"},
        "annotations": {"note": "mine"},
        "resources": {"requests": {"cpu": "1500m"}, "limits": {"memory": "2Gi"}},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 5}],
        "affinity": {"nodeAffinity": {"x": 1}},
        "priorityClassName": "high",
        "imagePullSecrets": [{"name": "pull"}],
    },
}


def objects(plan: WorldPlan) -> list[dict[str, Any]]:
    return [
        build_namespace(plan),
        *build_role_bindings(plan),
        build_network_policy(plan),
        build_service(plan),
        build_stateful_set(plan, SECRET),
    ]


@pytest.mark.parametrize(("name", "spec"), [("world", {}), ("world-with-template", RICH)])
def test_a_world_consists_of_what_the_file_shows(name: str, spec: dict[str, Any]) -> None:
    made = objects(world_plan(**spec))

    assert made == _golden(GOLDEN / f"{name}.yaml", made)


def _golden(file: Path, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if os.environ.get("FRACTAL_WRITE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump_all(made, sort_keys=False, width=120))
    return list(yaml.safe_load_all(file.read_text()))


def revision(**spec: object) -> str:
    found: str = build_stateful_set(world_plan(**spec), SECRET)["metadata"]["annotations"][REVISION]
    return found


@pytest.mark.parametrize(
    "change",
    [{"nodes": 3}, {"slotsPerNode": 2}, {"image": "other:1"}, {"template": {"labels": {"a": "b"}}}],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_the_pods_changes_the_revision(change: dict[str, Any]) -> None:
    assert revision(**change) != revision()


@pytest.mark.parametrize(
    "change",
    [{"drain": True}, {"startDeadlineSeconds": 5}, {"allowedNamespaces": {}}],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_change_the_pods_does_not(change: dict[str, Any]) -> None:
    assert revision(**change) == revision()


def test_no_pods_are_another_revision_than_one() -> None:
    """Or a world of one pod would lose it under a run, when it is scaled to none."""
    assert revision(nodes=0) != revision(nodes=1)


def test_pods_and_set_carry_the_same_revision_and_a_rest_changes_neither() -> None:
    resting = build_stateful_set(world_plan(), SECRET, replicas=0)

    assert resting["spec"]["replicas"] == 0
    assert resting["spec"]["template"]["metadata"]["annotations"][REVISION] == revision()


def test_a_pod_requests_memory_for_each_of_its_ranks_and_has_no_limit() -> None:
    def resources(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        pod = build_stateful_set(world_plan(**spec), SECRET)["spec"]["template"]["spec"]
        found: dict[str, Any] = pod["containers"][0]["resources"]
        return found

    assert resources() == {"requests": {"cpu": "100m", "memory": "256Mi"}}
    assert resources(slotsPerNode=8) == {"requests": {"cpu": "100m", "memory": "704Mi"}}
    own = {"requests": {"memory": "1Gi"}}
    assert resources(slotsPerNode=8, template={"resources": own}) == {"requests": {"cpu": "100m", "memory": "1Gi"}}


def test_the_labels_that_find_pods_are_not_a_templates_to_give() -> None:
    labels = build_stateful_set(world_plan(**RICH), SECRET)["spec"]["template"]["metadata"]["labels"]

    assert labels["app.kubernetes.io/name"] == "mpi-node"
    assert labels["team"] == "art"


# ---- the Secret ------------------------------------------------------------------------------------------------------

HOST, USER = KeyPair(private="HOST", public="ssh-ed25519 AAAAh"), KeyPair(private="USER", public="ssh-ed25519 AAAAu")


TOKEN = "t0ken"  # noqa: S105 - nobody's


def secret(store: str = "redis://world:pw@redis") -> dict[str, Any]:
    return build_secret(world_plan(), "mpi-node-x", store=store, host=HOST, user=USER, token=TOKEN)


def test_a_secret_holds_a_file_for_each_part() -> None:
    files = {name: base64.b64decode(text).decode() for name, text in secret()["data"].items()}

    assert files == {
        "host": "HOST",
        "user": "USER",
        "authorized_keys": "ssh-ed25519 AAAAu\n",
        "known_hosts": "[mpi-node-*.mpi-node]:2222 ssh-ed25519 AAAAh\n",
        "token": TOKEN,
        "store": "redis://world:pw@redis",
    }
    assert secret()["immutable"] is True


def test_a_secrets_name_tells_what_it_was_made_for_to_nobody_but_the_operator() -> None:
    plan, store, other = world_plan(), "redis://world:pw@redis", "redis://world:other@redis"
    name = secret_name(plan, store, pepper="known to few")

    assert name == secret_name(plan, store, pepper="known to few")
    assert name != secret_name(plan, other, pepper="known to few")
    assert name != secret_name(plan, store, pepper="a guess")
    assert "pw" not in name


def test_a_secret_is_read_back_and_its_digest_tells_its_content() -> None:
    found, other = read_secret(secret()), read_secret(secret("redis://elsewhere"))

    assert found is not None
    assert other is not None
    assert found.token == TOKEN
    assert TOKEN not in repr(found)
    assert found.digest != other.digest


@pytest.mark.parametrize("change", [{"immutable": False}, {"data": {}}, {"data": None}], ids=str)
def test_somebody_elses_secret_is_none_of_ours(change: dict[str, Any]) -> None:
    assert read_secret({**secret(), **change}) is None

"""What runs in the installation's namespace may do nothing that it needn't, and fits on two cores."""

import tomllib
from typing import Any

import pytest
from support.checkout import ROOT
from support.manifest_files import WORKLOADS, containers, kustomization, literals, objects, the

from fractal_operator.core import names
from fractal_operator.core.settings import GatewaySettings, OperatorSettings

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
OURS = "docker.io/clusteredfractals"
WORKLOAD = pytest.mark.parametrize("workload", objects(*WORKLOADS), ids=lambda each: each["metadata"]["name"])
SUFFIXES = {"m": 0.001, "": 1.0}


def cores(text: str) -> float:
    return float(text.rstrip("m")) * SUFFIXES["m" if text.endswith("m") else ""]


def told(workload: dict[str, Any]) -> dict[str, str]:
    """The environment that a Deployment's only container finds, with placeholders for what the cluster fills in."""
    (container,) = containers(workload)
    given = {entry["name"]: entry.get("value", "filled-in") for entry in container["env"]}
    maps = [literals(source["configMapRef"]["name"]) for source in container.get("envFrom", [])]
    return {name: value for each in maps for name, value in each.items()} | given


def ports(workload: dict[str, Any]) -> dict[str, int]:
    (container,) = containers(workload)
    return {port["name"]: port["containerPort"] for port in container["ports"]}


@WORKLOAD
def test_no_container_may_do_more_than_run(workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(workload):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@WORKLOAD
def test_every_container_is_probed_and_bounded(workload: dict[str, Any]) -> None:
    for container in containers(workload):
        assert {"livenessProbe", "readinessProbe"} <= container.keys()
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        assert container["imagePullPolicy"] == "IfNotPresent"


@WORKLOAD
def test_a_token_is_given_to_those_who_use_it_only(workload: dict[str, Any]) -> None:
    wants = workload["metadata"]["name"] in {names.OPERATOR, names.GATEWAY}
    pod = workload["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is wants
    assert ("serviceAccountName" in pod) is wants


def test_no_pod_gets_a_token_by_default() -> None:
    assert all(account["automountServiceAccountToken"] is False for account in objects("ServiceAccount"))


def test_our_images_are_of_this_version() -> None:
    images = [container["image"] for workload in objects(*WORKLOADS) for container in containers(workload)]
    images.append(literals("fractal-settings")["MPI_IMAGE"])
    ours = {image for image in images if image.startswith(OURS)}
    assert ours == {f"{OURS}/operator:{VERSION}", f"{OURS}/kernel:{VERSION}"}


def test_all_of_it_is_labelled_with_its_version_but_no_template_whose_claim_could_not_change() -> None:
    (labels,) = [each for each in kustomization()["labels"] if "app.kubernetes.io/version" in each["pairs"]]
    assert labels == {"pairs": {"app.kubernetes.io/version": VERSION}}


def test_two_cores_leave_half_a_core_to_the_cluster() -> None:
    """Without the first world, whose pods the operator's builder sizes; the test on the cluster adds them."""
    asked = [
        cores(container["resources"]["requests"]["cpu"]) * workload["spec"]["replicas"]
        for workload in objects(*WORKLOADS)
        for container in containers(workload)
    ]
    assert sum(asked) <= 0.5


def test_the_operator_understands_what_it_is_told() -> None:
    settings = OperatorSettings.from_environment(told(the("Deployment", names.OPERATOR)))
    assert (settings.first_world, settings.first_world_nodes, settings.first_world_slots) == ("ds-clmpi1", 2, 1)
    assert settings.world_image == f"{OURS}/kernel:{VERSION}"
    assert ports(the("Deployment", names.OPERATOR)) == {"health": settings.health_port}


def test_the_gateway_understands_what_it_is_told() -> None:
    gateway = the("Deployment", names.GATEWAY)
    settings = GatewaySettings.from_environment(told(gateway))
    assert ports(gateway) == {"http": settings.port, "health": settings.metrics_port}
    (container,) = containers(gateway)
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert settings.store_password_file is not None
    assert str(settings.store_password_file.parent) in mounts


def test_the_store_keeps_what_it_acknowledged_and_forgets_nothing() -> None:
    conf = (ROOT / "manifests/base/redis.conf").read_text()
    lines = dict(line.split(" ", 1) for line in conf.splitlines() if line and not line.startswith("#"))
    assert lines["appendonly"] == "yes"
    assert lines["appendfsync"] == "always"
    assert lines["maxmemory-policy"] == "noeviction"
    assert lines["maxmemory"] == "1gb"
    redis = the("StatefulSet", "redis")
    (container,) = containers(redis)
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts[lines["dir"]] == redis["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]
    (volume,) = [each for each in redis["spec"]["template"]["spec"]["volumes"] if each["name"] == "acl"]
    assert volume["secret"]["secretName"] == names.STORE_SECRET
    assert lines["aclfile"] == f"/etc/redis/acl/{volume['secret']['items'][0]['path']}"


def test_operators_spread_and_one_stays_when_a_node_is_drained() -> None:
    operator = the("Deployment", names.OPERATOR)
    assert operator["spec"]["replicas"] == 2
    (spread,) = operator["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    labels = operator["spec"]["template"]["metadata"]["labels"]
    assert spread["podAffinityTerm"]["labelSelector"]["matchLabels"] == labels
    budget = the("PodDisruptionBudget", names.OPERATOR)
    assert budget["spec"] == {"minAvailable": 1, "selector": {"matchLabels": labels}}


def test_everything_lies_in_the_operators_namespace() -> None:
    assert kustomization()["namespace"] == names.OPERATOR_NAMESPACE
    labels = the("Namespace", names.OPERATOR_NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_file_of_the_base_is_applied() -> None:
    base = ROOT / "manifests/base"
    files = {str(file.relative_to(base)) for file in base.rglob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(kustomization()["resources"])

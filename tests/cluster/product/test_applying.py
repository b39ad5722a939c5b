"""`kubectl apply -k`: once is enough, twice changes nothing, and images may come from elsewhere."""

import pytest
import yaml
from cluster_harness.cluster import Cluster
from cluster_harness.command import run
from support.product import DEPLOYMENTS, MANIFESTS, Product

pytestmark = pytest.mark.cluster

KUSTOMIZE = f"--kustomize={MANIFESTS}"


def test_applied_again_nothing_changes(installed: Product) -> None:
    before = [installed.home.get("deployment", name)["metadata"]["generation"] for name in DEPLOYMENTS]
    assert installed.home("diff", KUSTOMIZE).strip() == ""
    installed.home("apply", KUSTOMIZE)
    after = [installed.home.get("deployment", name)["metadata"]["generation"] for name in DEPLOYMENTS]
    assert after == before


def test_the_api_server_knows_every_field(installed: Product) -> None:
    said = installed.home("apply", KUSTOMIZE, "--dry-run=server", "--validate=strict")
    kinds = {line.partition("/")[0] for line in said.splitlines()}
    assert {"namespace", "deployment.apps", "statefulset.apps", "networkpolicy.networking.k8s.io"} <= kinds


def test_namespace_and_definitions_come_first(own_cluster: Cluster) -> None:
    built = list(yaml.safe_load_all(run(own_cluster.kubectl("kustomize", str(MANIFESTS)))))
    kinds = list(dict.fromkeys(each["kind"] for each in built))
    assert kinds[:2] == ["Namespace", "CustomResourceDefinition"]
    assert kinds.index("ClusterRoleBinding") < kinds.index("Deployment")


def test_every_image_of_ours_may_come_from_another_registry(own_cluster: Cluster) -> None:
    built = run(own_cluster.kubectl("kustomize", str(MANIFESTS / "overlays" / "registry")))
    assert "docker.io/clusteredfractals" not in built
    assert built.count("ghcr.io/me/operator:0.1.0") == len(DEPLOYMENTS)
    assert "MPI_IMAGE: ghcr.io/me/kernel:0.1.0" in built

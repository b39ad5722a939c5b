"""The cluster that these tests share, and what they run on it."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_harness import archive, binary, cluster, images, life
from cluster_harness.choice import current_kubeconfig
from cluster_harness.cluster import Cluster
from cluster_harness.errors import NotUpError
from cluster_harness.kubectl import Kubectl
from cluster_harness.layout import Layout
from cluster_harness.progress import Progress

IMAGE = "localhost/probe:1"


COLD_S = 1500  # the first test to need a cluster may have to build Kubernetes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needing = [item for item in items if "own_cluster" in getattr(item, "fixturenames", ())]
    for item in needing:
        item.add_marker("cluster")
    for first in needing[:1]:
        first.add_marker(pytest.mark.timeout(COLD_S))


@pytest.fixture(scope="session")
def cluster_life() -> Iterator[None]:
    """Whoever finds no cluster up takes it down again."""
    if current := current_kubeconfig():
        pytest.skip(f"these tests are of the harness's own cluster, and FRACTAL_CLUSTER=current means {current}")
    try:
        cluster.find()
    except NotUpError:
        yield
        life.down()
    else:
        yield


@pytest.fixture
def own_cluster(cluster_life: None) -> Cluster:  # noqa: ARG001 - it ends after us
    """A cluster of two Ready nodes."""
    return life.up(Layout(node_count=2), Progress(life.STAGES))


@pytest.fixture
def probe(own_cluster: Cluster, tmp_path: Path) -> str:
    """An image of one program, on every node."""
    file = tmp_path / "probe.tar"
    archive.write(file, IMAGE, {"probe": binary.find().probe.read_bytes()}, ["/probe"])
    images.load(own_cluster.layout, [str(file)])
    return IMAGE


@pytest.fixture
def kubectl(own_cluster: Cluster) -> Iterator[Kubectl]:
    """kubectl in a namespace of the test's own."""
    everywhere = Kubectl(own_cluster)
    name = f"test-{secrets.token_hex(4)}"  # never one that the audit log knows already
    everywhere("create", "namespace", name)
    everywhere.await_condition("create", f"--namespace={name}", "serviceaccount/default", timeout_s=20)
    yield Kubectl(own_cluster, name)
    everywhere("delete", "namespace", name, "--wait=false", "--ignore-not-found")

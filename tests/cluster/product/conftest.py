"""The installed product, for every test of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_harness import wait
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl
from support.product import WORLD, Product, install
from support.product_lab import Client, Lab, prove_image
from support.stranger import SETTLED_S, Stranger, stranger_pod

from fractal_operator.core import paths

INSTALL_S = 1800  # the first test may have to build Kubernetes and three images


HERE = Path(__file__).parent
LAST = ("test_uninstall.py", "test_first_look.py")
"""Who takes the product away comes after all others of this folder."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    ordered = sorted((items[place] for place in places), key=lambda item: _turn(item.path.name))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
    needing = [item for item in items if "installed" in getattr(item, "fixturenames", ())]
    for first in needing[:1]:
        first.add_marker(pytest.mark.timeout(INSTALL_S))


def _turn(name: str) -> int:
    return LAST.index(name) + 1 if name in LAST else 0


@pytest.fixture(scope="session")
def installations() -> dict[int, Product]:
    """What was installed, by the time of the cluster's start: it may be down and up meanwhile."""
    return {}


@pytest.fixture
def installed(own_cluster: Cluster, installations: dict[int, Product]) -> Product:
    """The product as this checkout has it: running, its first world Ready. It stays for the tests that follow."""
    began = own_cluster.kubeconfig.stat().st_mtime_ns
    if began not in installations:
        installations[began] = install(own_cluster)
    if not _is_warm(own_cluster):  # a test before may have cost it a pod or a node
        installations[began].await_warm()
    return installations[began]


def _is_warm(cluster: Cluster) -> bool:
    status = cluster.api.get(f"{paths.WORLDS}/{WORLD}").get("status", {})
    return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))


@pytest.fixture
def stranger(installed: Product, kubectl: Kubectl) -> Iterator[Stranger]:
    """A pod in a namespace that has nothing to do with the product."""
    del installed  # first, since it brings the image
    kubectl.apply(stranger_pod())
    kubectl.await_condition("condition=Ready", "pod/stranger", timeout_s=SETTLED_S)
    found = Stranger(kubectl=kubectl, pod="stranger")
    wait.until(lambda: found.opens("server.clusteredfractals", 80), what="the way to the gateway", timeout_s=SETTLED_S)
    yield found
    kubectl("delete", "pod", "stranger", "--wait=false", "--grace-period=1")


@pytest.fixture(scope="module")
def labs() -> Iterator[list[Lab]]:
    """The laboratory of a module, once there is one; its worlds go with it."""
    found: list[Lab] = []
    yield found
    for lab in found:
        lab.close()


@pytest.fixture
def lab(installed: Product, labs: list[Lab]) -> Lab:
    """Worlds that only this module's jobs get."""
    if not labs:
        prove_image(installed)
        labs.append(Lab(installed))
    return labs[0]


@pytest.fixture
def client(lab: Lab, kubectl: Kubectl) -> Client:
    """A namespace of the test's own, whose jobs the laboratory's worlds take."""
    lab.settle()
    return lab.admit(kubectl)

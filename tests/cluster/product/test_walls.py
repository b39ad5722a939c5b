"""Who reaches whom, tried from inside of pods; and what the pods of the product may do at all.

Beside each door that must be closed to a stranger somebody is shown for whom it opens: else nothing may listen there.
"""

import json
from typing import Any

import pytest
from cluster_harness import wait
from cluster_harness.kubectl import Kubectl
from support.product import WORLD, Product
from support.stranger import SETTLED_S, Stranger

from fractal_operator.core import names

pytestmark = pytest.mark.cluster

STORE = ("redis.clusteredfractals", 6379)
GATEWAY = ("server.clusteredfractals", 80)
SECOND = f"{names.WORLD_SET}-1"
TOKENS = "/var/run/secrets/kubernetes.io"
STORE_ACCESS = "clusteredfractals.dev/store-access"
CORES = 2
_SAYS = """
import urllib.request, urllib.error, sys
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=5).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def address(kubectl: Kubectl, pod: str) -> str:
    return str(kubectl.get("pod", pod)["status"]["podIP"])


def pods(kubectl: Kubectl) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kubectl.get("pods")["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def inside(kubectl: Kubectl, app: str) -> Stranger:
    """A running pod of the installation, as the one who knocks."""
    (pod, *_) = [each for each in pods(kubectl) if each["metadata"]["labels"].get("app.kubernetes.io/name") == app]
    return Stranger(kubectl=kubectl, pod=pod["metadata"]["name"])


def test_a_stranger_reaches_the_gateway_and_is_asked_who_it_is(stranger: Stranger) -> None:
    url = f"http://{GATEWAY[0]}/v1/namespaces/default/jobs/any"
    assert stranger.runs(_SAYS, url).strip() == "401"


def test_a_stranger_reaches_no_store(installed: Product, stranger: Stranger) -> None:
    assert inside(installed.home, names.GATEWAY).opens(*STORE)
    assert inside(installed.home, names.OPERATOR).opens(*STORE)
    assert Stranger(kubectl=installed.world, pod=names.MASTER).opens(*STORE)
    assert not stranger.opens(*STORE)


def test_an_invited_namespace_reaches_the_store(stranger: Stranger) -> None:
    assert not stranger.opens(*STORE)
    stranger.kubectl("label", "namespace", stranger.kubectl.namespace, f"{STORE_ACCESS}=true")
    wait.until(lambda: stranger.opens(*STORE), what="the store's door to open", timeout_s=SETTLED_S)


def test_a_stranger_reaches_no_agent(installed: Product, stranger: Stranger) -> None:
    agent = (address(installed.world, names.MASTER), names.AGENT_PORT)
    assert inside(installed.home, names.OPERATOR).opens(*agent)
    assert not stranger.opens(*agent)


def test_a_stranger_reaches_no_sshd(installed: Product, stranger: Stranger) -> None:
    second = (address(installed.world, SECOND), names.SSH_PORT)
    assert Stranger(kubectl=installed.world, pod=names.MASTER).opens(*second)
    assert not stranger.opens(*second)
    assert not inside(installed.home, names.OPERATOR).opens(*second)


def test_a_world_reaches_neither_the_gateway_nor_the_api_server(installed: Product, stranger: Stranger) -> None:
    master = Stranger(kubectl=installed.world, pod=names.MASTER)
    assert stranger.opens("kubernetes.default", 443)
    assert not master.opens("kubernetes.default", 443)
    assert not master.opens(*GATEWAY)


def test_the_port_for_port_forwards_is_on_the_pods_loopback(installed: Product) -> None:
    gateway = inside(installed.home, names.GATEWAY)
    assert gateway.opens("127.0.0.1", 8081)
    assert not gateway.opens(address(installed.home, gateway.pod), 8081)


@pytest.mark.parametrize("namespace", [names.OPERATOR_NAMESPACE, WORLD])
def test_pod_security_is_restricted(installed: Product, namespace: str) -> None:
    labels = installed.home.get("namespace", namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_token_lies_in_a_world_or_in_the_store(installed: Product) -> None:
    for kubectl, pod in ((installed.world, names.MASTER), (installed.world, SECOND), (installed.home, "redis-0")):
        assert not kubectl.reaches(pod, "test", "-e", TOKENS)
        volumes = kubectl.get("pod", pod)["spec"]["volumes"]
        assert not [volume for volume in volumes if "projected" in volume]
    assert installed.home.reaches(inside(installed.home, names.OPERATOR).pod, "test", "-e", TOKENS)


def test_nothing_can_be_written_beside_the_mounts(installed: Product) -> None:
    for kubectl in (installed.home, installed.world):
        for pod in pods(kubectl):
            assert not kubectl.reaches(pod["metadata"]["name"], "sh", "-c", "touch /opt/trial || touch /trial")


def test_no_pod_carries_a_password_in_its_environment(installed: Product) -> None:
    for kubectl in (installed.home, installed.world):
        said = json.dumps([pod["spec"] for pod in pods(kubectl)]).lower()
        assert "redis://" not in said
        assert "secretkeyref" not in said


def test_all_of_it_fits_on_two_cores(installed: Product) -> None:
    asked = [
        container["resources"]["requests"]["cpu"]
        for kubectl in (installed.home, installed.world)
        for pod in pods(kubectl)
        for container in pod["spec"]["containers"]
    ]
    total = sum(float(each[:-1]) / 1000 if each.endswith("m") else float(each) for each in asked)
    print(f"\nrequested: {total:g} cores by {len(asked)} containers")
    assert total <= 0.75 * CORES

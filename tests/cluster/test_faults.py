"""A node is lost in three ways, is noticed in time, and comes back."""

from collections.abc import Callable, Iterator

import pytest
from cluster_harness import faults, samples, wait
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl

LOST = "node-2"
NOTICED_S = 15  # the grace period is 5 s; a busy machine needs more
EVICTED_S = 15
BACK_S = 60


@pytest.fixture
def web(own_cluster: Cluster, kubectl: Kubectl, probe: str) -> Iterator[Kubectl]:
    """Four Ready pods on two nodes behind the Service `front`; the lost node is repaired afterwards."""
    kubectl.apply(
        samples.service("web", {"app": "web"}, headless=True),
        samples.service("front", {"app": "web"}),
        samples.web_set("web", probe, 4),
    )
    kubectl("rollout", "status", "statefulset/web", "--timeout=40s", timeout_s=50)
    yield kubectl
    faults.repair(own_cluster, LOST)
    wait.until(lambda: own_cluster.ready()[LOST], what=f"{LOST} to be Ready again", timeout_s=BACK_S)


def uids(kubectl: Kubectl) -> set[str]:
    return {pod["metadata"]["uid"] for pod in kubectl.get("pods", "-l", "app=web")["items"]}


def answering(kubectl: Kubectl) -> set[str]:
    slices = kubectl.get("endpointslices", "-l", "kubernetes.io/service-name=front")["items"]
    endpoints = [end for entry in slices for end in entry.get("endpoints") or []]
    return {end["nodeName"] for end in endpoints if end["conditions"]["ready"]}


def leaving(kubectl: Kubectl) -> int:
    pods = kubectl.get("pods", "-l", "app=web")["items"]
    return sum("deletionTimestamp" in pod["metadata"] for pod in pods if pod["spec"].get("nodeName") == LOST)


def all_answer(kubectl: Kubectl) -> bool:
    status = kubectl.get("statefulset", "web")["status"]
    return status.get("readyReplicas") == 4 and leaving(kubectl) == 0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.power_off, id="power-off"),
        pytest.param(faults.partition, id="partition", marks=pytest.mark.soak),
        pytest.param(
            lambda cluster, node: faults.stop_service(cluster, node, "kubelet"),
            id="kubelet-killed",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_a_lost_node_is_noticed_and_its_pods_come_back_with_it(
    own_cluster: Cluster, web: Kubectl, fault: Callable[[Cluster, str], None]
) -> None:
    fault(own_cluster, LOST)
    wait.until(lambda: not own_cluster.ready()[LOST], what="the loss to be noticed", timeout_s=NOTICED_S)
    wait.until(lambda: answering(web) == {"node-1"}, what="its pods to leave the Service", timeout_s=NOTICED_S)
    wait.until(lambda: leaving(web) == 2, what="its pods to be told to go", timeout_s=EVICTED_S)
    lost = uids(web)
    faults.repair(own_cluster, LOST)
    wait.until(lambda: own_cluster.ready()[LOST], what="the node to be Ready again", timeout_s=BACK_S)
    wait.until(lambda: all_answer(web), what="four Ready pods", timeout_s=BACK_S)
    assert len(uids(web) & lost) == 2, "the pods of the node that stayed are the same, the others are new"


def test_a_pod_goes_on_answering_while_its_kubelet_is_dead(own_cluster: Cluster, web: Kubectl) -> None:
    far = next(pod for pod in web.get("pods", "-l", "app=web")["items"] if pod["spec"]["nodeName"] == LOST)
    near = next(pod for pod in web.get("pods", "-l", "app=web")["items"] if pod["spec"]["nodeName"] == "node-1")
    fetch = ("/probe", "fetch", f"http://{far['status']['podIP']}:8000/who")
    faults.stop_service(own_cluster, LOST, "kubelet")
    assert web.exec(near["metadata"]["name"], *fetch).strip() == far["metadata"]["name"]
    faults.partition(own_cluster, LOST)
    assert not web.reaches(near["metadata"]["name"], *fetch)


def test_a_stopped_part_of_the_control_plane_comes_back_by_repair(own_cluster: Cluster) -> None:
    faults.stop_service(own_cluster, "control", "kube-apiserver")
    assert not own_cluster.api.ready()
    faults.repair(own_cluster, "control")
    wait.until(own_cluster.api.ready, what="the API server", timeout_s=60)
    wait.until(lambda: all(own_cluster.ready().values()), what="Ready nodes", timeout_s=BACK_S)

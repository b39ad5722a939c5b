"""A StatefulSet across the nodes does what it does on any Kubernetes."""

import http.client
from collections.abc import Callable

import pytest
from cluster_harness import samples, wait
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl

READY_S = 40
FETCH = ("/probe", "fetch")


@pytest.fixture
def web(kubectl: Kubectl, probe: str) -> Kubectl:
    """Four Ready pods `web-0` … `web-3`, and the Services `web` (headless) and `front`."""
    kubectl.apply(
        samples.service("web", {"app": "web"}, headless=True),
        samples.service("front", {"app": "web"}),
        samples.web_set("web", probe, 4),
    )
    kubectl("rollout", "status", "statefulset/web", f"--timeout={READY_S}s", timeout_s=READY_S + 10)
    return kubectl


def becomes(fetch: Callable[[], str], wanted: str) -> None:
    wait.until(lambda: fetch() == wanted, what=f"the answer {wanted!r}", timeout_s=10)


def test_a_stateful_set_spreads_over_the_nodes_and_its_pods_find_each_other_by_name(web: Kubectl) -> None:
    nodes = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in web.get("pods")["items"]}
    assert sorted(nodes.values()) == ["node-1", "node-1", "node-2", "node-2"]
    for asking in ("web-0", "web-3"):
        for asked in nodes:
            becomes(lambda: web.exec(asking, *FETCH, f"http://{asked}.web:8000/who"), asked)  # noqa: B023 - called at once


def test_a_service_answers_from_all_its_pods(web: Kubectl) -> None:
    seen: set[str] = set()

    def all_answered() -> bool:
        seen.add(web.exec("web-0", *FETCH, "http://front/who").strip())
        return seen == {"web-0", "web-1", "web-2", "web-3"}

    wait.until(all_answered, what="an answer of each pod", timeout_s=30)


def test_logs_and_exit_codes_come_back_from_both_nodes(web: Kubectl) -> None:
    for pod in ("web-0", "web-1", "web-2", "web-3"):
        assert web("logs", pod) == f"serving as {pod}\n"
        assert web.exec(pod, "/probe", "read", "/srv/who") == pod
        assert not web.reaches(pod, "/probe", "fail")


def test_a_pod_reaches_the_api_server_and_nothing_of_the_world_outside(web: Kubectl) -> None:
    assert web.reaches("web-0", "/probe", "dial", "kubernetes.default:443")
    # 192.0.2.1 is an address for documentation: nobody has it
    assert not web.reaches("web-0", "/probe", "dial", "192.0.2.1:80")


def test_a_claim_of_the_default_class_is_bound_and_outlives_its_pod(kubectl: Kubectl, probe: str) -> None:
    kubectl.apply(
        samples.service("kept", {"app": "kept"}, headless=True), samples.web_set("kept", probe, 1, storage="1Mi")
    )
    kubectl("rollout", "status", "statefulset/kept", f"--timeout={READY_S}s", timeout_s=READY_S + 10)
    kubectl.exec("kept-0", "/probe", "write", "/srv/note", "still here")
    kubectl("delete", "pod", "kept-0", "--wait")
    kubectl("rollout", "status", "statefulset/kept", f"--timeout={READY_S}s", timeout_s=READY_S + 10)
    assert kubectl.exec("kept-0", "/probe", "read", "/srv/note") == "still here"
    claim = kubectl.get("persistentvolumeclaim", "srv-kept-0")
    assert claim["spec"]["storageClassName"] == "host-path"
    assert claim["status"]["phase"] == "Bound"


def test_the_folder_of_a_claim_goes_with_the_claim(own_cluster: Cluster, kubectl: Kubectl, probe: str) -> None:
    kubectl.apply(samples.web_set("gone", probe, 1, storage="1Mi"))
    kubectl.await_condition("create", "pod/gone-0", timeout_s=20)
    kubectl.await_condition("condition=Ready", "pod/gone-0", timeout_s=READY_S)
    folder = own_cluster.layout.volumes / kubectl.get("pvc", "srv-gone-0")["spec"]["volumeName"]
    assert (folder / "who").exists()
    kubectl("delete", "statefulset/gone", "persistentvolumeclaim/srv-gone-0", "--wait=false")
    wait.until(lambda: not folder.exists(), what="the folder's removal", timeout_s=30)


def test_a_container_that_crashes_waits_two_seconds_at_most(kubectl: Kubectl, probe: str) -> None:
    crash = {"name": "crash", "image": probe, "imagePullPolicy": "Never", "args": ["fail"]}
    kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "crash"}, "spec": {"containers": [crash]}})

    def waits() -> bool:
        status = kubectl.get("pod", "crash")["status"].get("containerStatuses") or [{}]
        message: str = status[0].get("state", {}).get("waiting", {}).get("message", "")
        return message.startswith("back-off 2s restarting failed container")  # usually 10 s at first

    wait.until(waits, what="a wait of 2 s", timeout_s=30, pause_s=0.2)


def test_a_service_of_the_cluster_answers_on_the_hosts_gateway_port(own_cluster: Cluster, probe: str) -> None:
    everywhere = Kubectl(own_cluster, "clusteredfractals")
    everywhere("create", "namespace", "clusteredfractals")
    try:
        everywhere.await_condition("create", "serviceaccount/default", timeout_s=20)
        everywhere.apply(
            samples.service("server", {"app": "server"}), samples.web_pod("server", probe, "node-2", {"app": "server"})
        )
        everywhere.await_condition("condition=Ready", "pod/server", timeout_s=READY_S)
        port = own_cluster.record.ports["gateway"]
        wait.until(lambda: _answer(port) == "server", what="an answer through 127.0.0.1", timeout_s=20)
    finally:
        everywhere("delete", "namespace", "clusteredfractals", timeout_s=60)


def _answer(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/who")
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()

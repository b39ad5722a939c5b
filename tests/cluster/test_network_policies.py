"""NetworkPolicies are enforced: on one node, across nodes, and behind a Service."""

from collections.abc import Sequence
from typing import Any

import pytest
from cluster_harness import samples, wait
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl

PORTS = (8000, 8001, 8002)


def policy(name: str, selects: dict[str, str], **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": {"matchLabels": selects} if selects else {}, **spec},
    }


DENY = policy("deny", {}, policyTypes=["Ingress"])


@pytest.fixture
def pods(kubectl: Kubectl, probe: str) -> Kubectl:
    """Pods `server` (node-1), `near` (node-1, app=good), `far` (node-2, app=good), `bad` (node-1), and a Service."""
    kubectl.apply(
        samples.service("front", {"app": "server"}),
        samples.web_pod("server", probe, "node-1", {"app": "server"}, PORTS),
        samples.web_pod("near", probe, "node-1", {"app": "good"}),
        samples.web_pod("far", probe, "node-2", {"app": "good"}),
        samples.web_pod("bad", probe, "node-1", {"app": "bad"}),
    )
    kubectl.await_condition("condition=Ready", "pod", "--all", timeout_s=40)
    wait.until(lambda: passes(kubectl, "far", "front:80"), what="the Service", timeout_s=20)
    return kubectl


def address(kubectl: Kubectl, pod: str) -> str:
    return str(kubectl.get("pod", pod)["status"]["podIP"])


def passes(kubectl: Kubectl, pod: str, target: str) -> bool:
    return kubectl.reaches(pod, "/probe", "fetch", f"http://{target}/who")


def settles(kubectl: Kubectl, pod: str, target: str, *, open_: bool) -> None:
    """A policy takes effect a moment after it was written."""
    verb = "reach" if open_ else "no longer reach"
    wait.until(lambda: passes(kubectl, pod, target) is open_, what=f"{pod} to {verb} {target}", timeout_s=10)


def expect(kubectl: Kubectl, target: str, *, open_to: Sequence[str], closed_to: Sequence[str]) -> None:
    for pod in open_to:
        settles(kubectl, pod, target, open_=True)
    for pod in closed_to:
        settles(kubectl, pod, target, open_=False)


def test_without_a_policy_everybody_is_reached(pods: Kubectl) -> None:
    expect(pods, f"{address(pods, 'server')}:8001", open_to=["near", "far", "bad"], closed_to=[])


def test_denied_ingress_stops_neighbours_and_strangers_and_the_service(pods: Kubectl) -> None:
    pods.apply(DENY)
    expect(pods, f"{address(pods, 'server')}:8000", open_to=[], closed_to=["near", "far", "bad"])
    expect(pods, "front:80", open_to=[], closed_to=["near", "far"])
    # the kubelet's probes still pass: the pods stay Ready
    pods.await_condition("condition=Ready", "pod", "--all", timeout_s=5)
    pods("delete", "networkpolicy", "deny")
    expect(pods, "front:80", open_to=["near", "far", "bad"], closed_to=[])


def test_a_policy_opens_a_named_port_to_the_pods_it_selects(pods: Kubectl) -> None:
    peer = {"podSelector": {"matchLabels": {"app": "good"}}}
    rule = {"from": [peer], "ports": [{"port": "web-8000"}]}
    pods.apply(DENY, policy("allow", {"app": "server"}, ingress=[rule]))
    server = address(pods, "server")
    expect(pods, f"{server}:8000", open_to=["near", "far"], closed_to=["bad"])
    expect(pods, "front:80", open_to=["near", "far"], closed_to=["bad"])
    expect(pods, f"{server}:8001", open_to=[], closed_to=["near", "far"])


def test_a_policy_opens_a_range_of_ports(pods: Kubectl) -> None:
    rule = {"ports": [{"port": 8001, "endPort": 8002}]}
    pods.apply(DENY, policy("allow", {"app": "server"}, ingress=[rule]))
    server = address(pods, "server")
    expect(pods, f"{server}:8001", open_to=["bad", "far"], closed_to=[])
    expect(pods, f"{server}:8002", open_to=["bad", "far"], closed_to=[])
    expect(pods, f"{server}:8000", open_to=[], closed_to=["bad", "far"])


def test_a_policy_opens_to_a_block_of_addresses_with_exceptions(pods: Kubectl) -> None:
    block = {"cidr": "10.88.0.0/16", "except": [f"{address(pods, 'bad')}/32"]}
    pods.apply(DENY, policy("allow", {"app": "server"}, ingress=[{"from": [{"ipBlock": block}]}]))
    expect(pods, f"{address(pods, 'server')}:8000", open_to=["near", "far"], closed_to=["bad"])


def test_a_policy_opens_to_the_namespaces_it_selects(pods: Kubectl, own_cluster: Cluster, probe: str) -> None:
    own = {"kubernetes.io/metadata.name": pods.namespace}
    elsewhere = {
        "namespaceSelector": {
            "matchExpressions": [{"key": k, "operator": "NotIn", "values": [v]} for k, v in own.items()]
        }
    }
    pods.apply(DENY, policy("allow", {"app": "server"}, ingress=[{"from": [elsewhere]}]))
    server = f"{address(pods, 'server')}:8000"
    expect(pods, server, open_to=[], closed_to=["near", "far"])
    guests = Kubectl(own_cluster, "default")
    guests.apply(samples.web_pod("guest", probe, "node-2", {"app": "guest"}))
    try:
        guests.await_condition("condition=Ready", "pod/guest", timeout_s=30)
        expect(guests, server, open_to=["guest"], closed_to=[])
    finally:
        guests("delete", "pod", "guest", "--wait=false")


def test_denied_egress_leaves_only_what_is_allowed(pods: Kubectl) -> None:
    server, bad = address(pods, "server"), address(pods, "bad")
    to_server = {"to": [{"podSelector": {"matchLabels": {"app": "server"}}}]}
    pods.apply(policy("only-server", {"app": "good"}, policyTypes=["Egress"], egress=[to_server]))
    expect(pods, f"{bad}:8000", open_to=[], closed_to=["near", "far"])
    expect(pods, f"{server}:8000", open_to=["near", "far", "bad"], closed_to=[])

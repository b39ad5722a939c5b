"""NetworkPolicies become rules: each case is a policy and what it allows on one node."""

from typing import Any

import pytest
from cluster_harness.nftables import render
from cluster_harness.policies import Allowed, Cluster, Direction, Peers, Ports, isolations, read_cluster

SERVER, CLIENT, STRANGER, GUEST = "10.88.1.2", "10.88.1.3", "10.88.2.2", "10.88.2.3"


def pod(name: str, address: str, namespace: str = "art", **status: object) -> dict[str, Any]:
    ports = [{"name": "web", "containerPort": 8000}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]
    return {
        "metadata": {"uid": f"uid-{name}", "namespace": namespace, "name": name, "labels": {"app": name}},
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "ports": ports}]},
        "status": {"podIP": address, "phase": "Running", **status},
    }


def cluster(*specs: dict[str, Any], pods: tuple[dict[str, Any], ...] = ()) -> Cluster:
    everybody = (pod("server", SERVER), pod("client", CLIENT), pod("stranger", STRANGER), pod("guest", GUEST, "far"))
    namespaces = [{"metadata": {"name": name, "labels": {"name": name}}} for name in ("art", "far")]
    policies = [{"metadata": {"namespace": "art", "name": "policy"}, "spec": spec} for spec in specs]
    return read_cluster(pods or everybody, namespaces, policies)


def allowed(direction: Direction, *specs: dict[str, Any]) -> tuple[Allowed, ...] | None:
    """What the server may still receive or send; None when it is not isolated."""
    for entry in isolations("node-1", cluster(*specs)):
        if entry.pod.name == "server" and entry.direction is direction:
            return entry.allowed
    return None


TO_SERVER = {"podSelector": {"matchLabels": {"app": "server"}}}
ANYBODY = Peers()
NEITHER = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["server", "client"]}]}
CASES = [
    pytest.param({}, (), id="an empty policy isolates"),
    pytest.param({"ingress": [{}]}, (Allowed(peers=ANYBODY, ports=None),), id="an empty rule opens all"),
    pytest.param({"policyTypes": ["Egress"]}, None, id="an egress policy leaves ingress alone"),
    pytest.param(
        {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}]},
        (Allowed(peers=Peers(addresses=(CLIENT,)), ports=None),),
        id="pods of the same namespace",
    ),
    pytest.param(
        {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "guest"}}}]}]},
        (),
        id="a pod selector alone means the own namespace",
    ),
    pytest.param(
        {"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"name": "far"}}}]}]},
        (Allowed(peers=Peers(addresses=(GUEST,)), ports=None),),
        id="all pods of a namespace",
    ),
    pytest.param(
        {"ingress": [{"from": [{"namespaceSelector": {}, "podSelector": NEITHER}]}]},
        (Allowed(peers=Peers(addresses=(STRANGER, GUEST)), ports=None),),
        id="both selectors must hold",
    ),
    pytest.param(
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.88.0.0/16"]}}]}]},
        (Allowed(peers=Peers(block="10.0.0.0/8", excepted=("10.88.0.0/16",)), ports=None),),
        id="a block with an exception",
    ),
    pytest.param(
        {"ingress": [{"ports": [{"port": 80}, {"port": 90, "endPort": 99, "protocol": "UDP"}, {"protocol": "SCTP"}]}]},
        (
            Allowed(peers=ANYBODY, ports=Ports(protocol="TCP", first=80, last=80)),
            Allowed(peers=ANYBODY, ports=Ports(protocol="UDP", first=90, last=99)),
            Allowed(peers=ANYBODY, ports=Ports(protocol="SCTP")),
        ),
        id="ports and protocols",
    ),
    pytest.param(
        {"ingress": [{"ports": [{"port": "web"}, {"port": "dns"}, {"port": "dns", "protocol": "UDP"}]}]},
        (
            Allowed(peers=ANYBODY, ports=Ports(protocol="TCP", first=8000, last=8000, owners=(SERVER,))),
            Allowed(peers=ANYBODY, ports=Ports(protocol="UDP", first=53, last=53, owners=(SERVER,))),
        ),
        id="named ports of the pod itself, by protocol",
    ),
]


@pytest.mark.parametrize(("spec", "wanted"), CASES)
def test_ingress_is_what_the_policy_says(spec: dict[str, Any], wanted: tuple[Allowed, ...] | None) -> None:
    assert allowed(Direction.INGRESS, {**TO_SERVER, **spec}) == wanted


def test_policies_add_up() -> None:
    rules = [{"ports": [{"port": port}]} for port in (80, 81)]
    found = allowed(Direction.INGRESS, *({**TO_SERVER, "ingress": [rule]} for rule in rules))
    assert found is not None
    assert [entry.ports.first for entry in found if entry.ports] == [80, 81]


def test_a_named_port_of_egress_is_looked_up_in_whom_it_goes_to() -> None:
    rule = {"to": [{"podSelector": {"matchLabels": {"app": "client"}}}], "ports": [{"port": "web"}]}
    found = allowed(Direction.EGRESS, {**TO_SERVER, "egress": [rule]})
    web = Ports(protocol="TCP", first=8000, last=8000, owners=(CLIENT,))
    assert found == (Allowed(peers=Peers(addresses=(CLIENT,)), ports=web),)


@pytest.mark.parametrize(
    "unseen",
    [
        pytest.param(pod("server", "", phase="Pending"), id="without an address"),
        pytest.param(pod("server", SERVER, phase="Succeeded"), id="that has ended"),
    ],
)
def test_a_pod_is_of_no_concern(unseen: dict[str, Any]) -> None:
    assert not list(isolations("node-1", cluster(TO_SERVER, pods=(unseen,))))


def test_a_node_has_chains_for_its_own_pods_only() -> None:
    assert not list(isolations("node-2", cluster({"podSelector": {}})))
    assert len(list(isolations("node-1", cluster({"podSelector": {}})))) == 3


def test_the_table_replaces_the_former_one_and_drops_what_no_rule_returns() -> None:
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "client"}}}], "ports": [{"port": 80, "endPort": 90}]}
    table = render(isolations("node-1", cluster({**TO_SERVER, "ingress": [rule]})))
    assert table.splitlines()[:2] == ["table ip network-policies", "delete table ip network-policies"]
    chain = table.partition("chain ingress-uid-server {")[2].partition("}\n")[0]
    assert [line.strip() for line in table.splitlines() if "vmap" in line] == [
        f"ip daddr vmap {{ {SERVER} : jump ingress-uid-server }}"
    ]
    assert f"ip saddr {{ {CLIENT} }} tcp dport 80-90 return" in chain
    assert table.index("tcp dport 80-90 return") < table.index("counter drop")


def test_a_table_without_policies_accepts_everything() -> None:
    table = render([])
    assert "drop" not in table
    assert "vmap" not in table

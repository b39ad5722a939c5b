"""What NetworkPolicies allow on one node: pure functions from the API's objects to rules.

The rules say nothing of how they are enforced; `nftables` renders them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cluster_harness.labels import Labels, matches

Object = Mapping[str, Any]
ENDED = frozenset({"Succeeded", "Failed"})


class Direction(StrEnum):
    """Which way a policy looks, by its name in `policyTypes`."""

    INGRESS = "Ingress"
    EGRESS = "Egress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod that has an address of its own."""

    uid: str
    namespace: str
    name: str
    node: str
    address: str
    labels: Labels
    ports: Mapping[tuple[str, str], int]  # by protocol and name


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What policies are judged against."""

    pods: Sequence[Pod]
    namespaces: Mapping[str, Labels]
    policies: Sequence[Object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Who is at the other end: any address of these, or a block without its exceptions; neither means anybody."""

    addresses: tuple[str, ...] = ()
    block: str = ""
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Which ports: 0 means every one of the protocol; `owners`, if any, are the only addresses that it is at."""

    protocol: str
    first: int = 0
    last: int = 0
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One kind of traffic that passes; no ports means all traffic of any protocol."""

    peers: Peers
    ports: Ports | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """A pod that may only send or receive what is allowed here."""

    pod: Pod
    direction: Direction
    allowed: tuple[Allowed, ...]


def read_cluster(pods: Iterable[Object], namespaces: Iterable[Object], policies: Iterable[Object]) -> Cluster:
    """The cluster as far as policies are concerned with it."""
    return Cluster(
        pods=tuple(_read_pod(pod) for pod in pods if _has_address(pod)),
        namespaces={item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in namespaces},
        policies=tuple(policies),
    )


def isolations(node: str, cluster: Cluster) -> Iterator[Isolation]:
    """Every isolation of the pods on the node."""
    for pod in sorted((pod for pod in cluster.pods if pod.node == node), key=lambda pod: pod.uid):
        for direction in Direction:
            if policies := [policy for policy in cluster.policies if _selects(policy, pod, direction)]:
                allowed = [entry for policy in policies for entry in _allowed(policy, pod, direction, cluster)]
                yield Isolation(pod=pod, direction=direction, allowed=tuple(dict.fromkeys(allowed)))


def _has_address(pod: Object) -> bool:
    status = pod.get("status", {})
    return bool(status.get("podIP")) and not pod["spec"].get("hostNetwork") and status.get("phase") not in ENDED


def _read_pod(pod: Object) -> Pod:
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
    ports = [port for container in containers for port in container.get("ports", []) if "name" in port]
    return Pod(
        uid=pod["metadata"]["uid"],
        namespace=pod["metadata"]["namespace"],
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName", ""),
        address=pod["status"]["podIP"],
        labels=pod["metadata"].get("labels") or {},
        ports={(port.get("protocol", "TCP"), port["name"]): port["containerPort"] for port in ports},
    )


def _selects(policy: Object, pod: Pod, direction: Direction) -> bool:
    spec = policy["spec"]
    default = [Direction.INGRESS, *([Direction.EGRESS] if spec.get("egress") else [])]
    return (
        policy["metadata"]["namespace"] == pod.namespace
        and direction in (spec.get("policyTypes") or default)
        and matches(spec.get("podSelector") or {}, pod.labels)
    )


def _allowed(policy: Object, pod: Pod, direction: Direction, cluster: Cluster) -> Iterator[Allowed]:
    rules, ends = ("ingress", "from") if direction is Direction.INGRESS else ("egress", "to")
    for rule in policy["spec"].get(rules) or []:
        for peers, others in _peers(rule.get(ends) or [], pod.namespace, cluster):
            # a named port is looked up in the pod that receives
            receivers = [pod] if direction is Direction.INGRESS else others
            for ports in _ports(rule.get("ports") or [], receivers):
                yield Allowed(peers=peers, ports=ports)


def _peers(entries: Sequence[Object], namespace: str, cluster: Cluster) -> Iterator[tuple[Peers, Sequence[Pod]]]:
    if not entries:
        yield Peers(), cluster.pods
    for entry in entries:
        if block := entry.get("ipBlock"):
            yield Peers(block=block["cidr"], excepted=tuple(block.get("except") or ())), cluster.pods
        elif pods := [pod for pod in cluster.pods if _is_peer(entry, pod, namespace, cluster)]:
            yield Peers(addresses=tuple(sorted(pod.address for pod in pods))), pods


def _is_peer(entry: Object, pod: Pod, namespace: str, cluster: Cluster) -> bool:
    if "namespaceSelector" in entry:
        near = matches(entry["namespaceSelector"] or {}, cluster.namespaces.get(pod.namespace, {}))
    else:
        near = pod.namespace == namespace
    return near and matches(entry.get("podSelector") or {}, pod.labels)


def _ports(entries: Sequence[Object], receivers: Sequence[Pod]) -> Iterator[Ports | None]:
    if not entries:
        yield None
    for entry in entries:
        protocol, port = entry.get("protocol", "TCP"), entry.get("port")
        if port is None:
            yield Ports(protocol=protocol)
        elif isinstance(port, int):
            yield Ports(protocol=protocol, first=port, last=entry.get("endPort", port))
        else:
            for receiver in receivers:
                if number := receiver.ports.get((protocol, port)):
                    yield Ports(protocol=protocol, first=number, last=number, owners=(receiver.address,))

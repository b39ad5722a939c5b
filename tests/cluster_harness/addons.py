"""What every cluster holds from its first second: rights of its own parts, the name service, the storage class."""

from collections.abc import Iterator, Sequence
from typing import Any

from cluster_harness import volumes
from cluster_harness.api import Api, Object
from cluster_harness.layout import DNS_PORT, DNS_SERVICE, Layout

RBAC = "/apis/rbac.authorization.k8s.io/v1"
READ = ["get", "list", "watch"]


def apply(api: Api, layout: Layout) -> None:
    """Make the cluster hold them."""
    for path, manifest in manifests(layout):
        api.apply(path, manifest)


def manifests(layout: Layout) -> Iterator[tuple[str, Object]]:
    """Each object's path and contents."""
    yield from _user("system:coredns", "coredns", [_rule("", ["services", "pods", "namespaces"], READ), _slices()])
    policies = _rule("networking.k8s.io", ["networkpolicies"], READ)
    yield from _user("system:network-policies", "network-policies", [_rule("", ["pods", "namespaces"], READ), policies])
    claims = _rule("", ["persistentvolumeclaims"], READ)
    made = _rule("", ["persistentvolumes"], [*READ, "create", "delete"])
    yield from _user("system:volume-provisioner", "volume-provisioner", [claims, made])
    yield _binding("kube-apiserver-kubelet-client", "kubelet-client", "system:kubelet-api-admin")
    yield from _name_service(layout.control.address)
    yield f"/apis/storage.k8s.io/v1/storageclasses/{volumes.STORAGE_CLASS}", volumes.storage_class()


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _slices() -> dict[str, Any]:
    return _rule("discovery.k8s.io", ["endpointslices"], READ)


def _user(user: str, name: str, rules: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Object]]:
    """A role of these rules, bound to a user."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }
    yield f"{RBAC}/clusterroles/{name}", role
    yield _binding(user, name, name)


def _binding(user: str, name: str, role: str) -> tuple[str, Object]:
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    return f"{RBAC}/clusterrolebindings/{name}", binding


def _name_service(address: str) -> Iterator[tuple[str, Object]]:
    """CoreDNS is no pod: its Service has endpoints made by hand."""
    name, namespace = "kube-dns", "kube-system"
    protocols = {"dns": "UDP", "dns-tcp": "TCP"}
    ports = [{"name": port, "port": DNS_PORT, "protocol": protocol} for port, protocol in protocols.items()]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": DNS_SERVICE, "ports": ports},
    }
    yield f"/api/v1/namespaces/{namespace}/services/{name}", service
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }
    yield f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices/{name}", endpoints

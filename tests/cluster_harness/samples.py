"""Small workloads for trying a cluster: pods that answer over HTTP with their own name."""

from collections.abc import Mapping, Sequence
from typing import Any

Object = dict[str, Any]
HTTP_PORT = 8000
QUIET: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def web_spec(image: str, ports: Sequence[int] = (HTTP_PORT,), **more: object) -> Object:
    """A pod's spec: it serves its name at /who, by HTTP on each of the ports."""
    container = {
        "name": "web",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["serve", "/srv", *map(str, ports)],
        "ports": [{"name": f"web-{port}", "containerPort": port} for port in ports],
        "readinessProbe": {"httpGet": {"path": "/who", "port": ports[0]}, "periodSeconds": 1},
        "securityContext": dict(QUIET),
        "volumeMounts": [{"name": "srv", "mountPath": "/srv"}],
    }
    volumes = [] if more.pop("claimed", False) else [{"name": "srv", "emptyDir": {}}]
    return {"terminationGracePeriodSeconds": 1, "containers": [container], "volumes": volumes, **more}


def web_pod(name: str, image: str, node: str, labels: Mapping[str, str], ports: Sequence[int] = (HTTP_PORT,)) -> Object:
    """One such pod on one node."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": web_spec(image, ports, nodeName=node),
    }


def service(name: str, selector: Mapping[str, str], *, headless: bool = False) -> Object:
    """A Service in front of such pods, at port 80; a headless one gives each of them a name."""
    spec: Object = {"selector": dict(selector), "ports": [{"port": 80, "targetPort": HTTP_PORT}]}
    if headless:
        spec |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def web_set(name: str, image: str, replicas: int, *, storage: str = "") -> Object:
    """A StatefulSet of such pods over all nodes, with a headless Service of the same name to be made for it.

    Its pods leave a lost node after 3 s; with `storage`, what they serve lies on a claimed volume.
    """
    labels = {"app": name}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": labels},
    }
    lost = [
        {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}
        for state in ("not-ready", "unreachable")
    ]
    spec = web_spec(image, topologySpreadConstraints=[spread], tolerations=lost, claimed=bool(storage))
    claim = {
        "metadata": {"name": "srv"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "replicas": replicas,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            "volumeClaimTemplates": [claim] if storage else [],
        },
    }

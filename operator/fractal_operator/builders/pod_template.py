"""The pods of a world: one template for all, since a StatefulSet has no more; each pod decides by its ordinal."""

from typing import Final

from fractal_operator.core.names import AGENT_PORT, SSH_PORT, WORLD_SET, Object
from fractal_operator.core.world_plan import SECRETS_FOLDER, WorldPlan, WorldSecret

USER: Final = 1000
CONTAINER: Final = "world"
GRACE_S: Final = 30
"""An ending agent has 15 s until its rendered tiles are stored; ranks and HTTP end after that."""

HOME: Final = "/tmp"  # noqa: S108 - a pod's own
SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - a pod's own
DEFAULT_CPU: Final = "100m"
BASE_MEMORY_MIB: Final = 192
SLOT_MEMORY_MIB: Final = 64
"""What a pod requests unless its template says otherwise: an agent at work needs up to 300 MiB, and an idle rank 60.

There is no limit by default: beyond it a run would lose a whole pod at once, where a node that is short of memory takes
from those first who use most beyond their requests. The pod's /dev/shm counts as its memory, and has a limit.
"""

LOST_NODE_S: Final = 30
"""How long pods stay on a node that is lost; Kubernetes' own choice is five minutes. They hold nothing."""

SECRET_DIGEST: Final = "clusteredfractals.dev/secret"  # noqa: S105 - the name of an annotation


def build_pod_template(plan: WorldPlan, secret: WorldSecret) -> Object:
    """The pod template, without its revision."""
    wish = plan.template
    annotations = {**wish.annotations, SECRET_DIGEST: secret.digest}
    spec: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": plan.pod_labels},
            }
        ],
        "tolerations": _tolerations(plan),
        "containers": [_build_container(plan)],
        "volumes": _build_volumes(plan, secret),
    }
    if wish.node_selector:
        spec["nodeSelector"] = dict(wish.node_selector)
    if wish.affinity is not None:
        spec["affinity"] = wish.affinity
    if wish.priority_class_name is not None:
        spec["priorityClassName"] = wish.priority_class_name
    if wish.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": reference.name} for reference in wish.image_pull_secrets]
    return {
        "metadata": {"labels": {**wish.labels, **plan.labels, **plan.pod_labels}, "annotations": annotations},
        "spec": spec,
    }


def _build_container(plan: WorldPlan) -> Object:
    return {
        "name": CONTAINER,
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["tini", "--", "python", "-m", "fractal_kernel.pod"],
        "env": [
            {"name": "FRACTAL_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "FRACTAL_SERVICE", "value": WORLD_SET},
            {"name": "FRACTAL_NODES", "value": str(plan.nodes)},
            {"name": "FRACTAL_SLOTS", "value": str(plan.slots)},
            {"name": "FRACTAL_SECRETS", "value": SECRETS_FOLDER},
            {"name": "FRACTAL_INSTALL", "value": plan.home.install},
            {"name": "HOME", "value": HOME},
        ],
        "ports": [
            {"name": "agent", "containerPort": AGENT_PORT, "protocol": "TCP"},
            {"name": "ssh", "containerPort": SSH_PORT, "protocol": "TCP"},
        ],
        "startupProbe": _probe("/healthz", period_s=1, failures=60),
        "livenessProbe": _probe("/healthz", period_s=10, failures=3),
        "readinessProbe": _probe("/readyz", period_s=2, failures=3),
        "resources": _resources(plan),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "secrets", "mountPath": SECRETS_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": HOME},
            {"name": "shared-memory", "mountPath": SHARED_MEMORY},
        ],
    }


def _build_volumes(plan: WorldPlan, secret: WorldSecret) -> list[Object]:
    return [
        # Root's, readable by the pod's group: ssh takes such a private key, sshd with StrictModes off.
        {"name": "secrets", "secret": {"secretName": secret.name, "defaultMode": 0o440}},
        # On the node's disk: tiles that wait for the store must not count as memory.
        {"name": "tmp", "emptyDir": {}},
        # Messages between the ranks of a pod; a container gets 64 MiB by default, whatever its ranks.
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": f"{64 + 32 * plan.slots}Mi"}},
    ]


def _probe(path: str, *, period_s: int, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": "agent", "scheme": "HTTP"},
        "periodSeconds": period_s,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _resources(plan: WorldPlan) -> Object:
    default = {"cpu": DEFAULT_CPU, "memory": f"{BASE_MEMORY_MIB + SLOT_MEMORY_MIB * plan.slots}Mi"}
    wish = plan.template.resources
    if wish is None:
        return {"requests": default}
    # A limit without a request is the request, too, by Kubernetes' own rule.
    requests = {name: amount for name, amount in default.items() if name not in wish.limits} | wish.requests
    return {"requests": requests, **({"limits": dict(wish.limits)} if wish.limits else {})}


def _tolerations(plan: WorldPlan) -> list[Object]:
    """What the world's template tolerates, and lost nodes for a short while unless it says something of them."""
    told = {toleration.get("key") for toleration in plan.template.tolerations}
    lost = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    ours = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": LOST_NODE_S}
        for key in lost
        if key not in told
    ]
    return [*plan.template.tolerations, *ours]

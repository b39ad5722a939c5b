"""The wall around a world: its pods talk with each other, the store and DNS; the operator reaches the agent."""

from typing import Final

from fractal_operator.core.names import AGENT_PORT, OPERATOR, SERVER_GROUP_LABEL, Object
from fractal_operator.core.world_plan import WorldPlan

WALL: Final = "world"
STORE_LABELS: Final = {SERVER_GROUP_LABEL: "redis"}

_NAME_OF_NAMESPACE: Final = "kubernetes.io/metadata.name"


def build_network_policy(plan: WorldPlan) -> Object:
    """The NetworkPolicy of all pods in the namespace; what it doesn't name is closed, in both directions.

    DNS is a pod in some clusters and on the node in others: its port is all that can be said of it.
    """
    home: Object = {"namespaceSelector": {"matchLabels": {_NAME_OF_NAMESPACE: plan.home.namespace}}}
    each_other: Object = {"podSelector": {}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": plan.metadata(WALL),
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": [each_other]},
                {"from": [_operator(home)], "ports": [{"port": AGENT_PORT, "protocol": "TCP"}]},
            ],
            "egress": [
                {"to": [each_other]},
                _to_store(plan, home),
                {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
            ],
        },
    }


def _operator(home: Object) -> Object:
    """The operator's pods, and no others of its namespace: not the store, nor the gateway, which strangers talk to."""
    return {**home, "podSelector": {"matchLabels": {SERVER_GROUP_LABEL: OPERATOR}}}


def _to_store(plan: WorldPlan, home: Object) -> Object:
    """The way to the store; of one outside of the cluster only the port is known."""
    ports = [{"port": plan.home.store_port, "protocol": "TCP"}]
    if not plan.home.store_inside:
        return {"ports": ports}
    return {"to": [{**home, "podSelector": {"matchLabels": STORE_LABELS}}], "ports": ports}

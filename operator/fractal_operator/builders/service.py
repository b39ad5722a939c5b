"""The headless Service by which the pods of a world know each other's names."""

from fractal_operator.core.names import AGENT_PORT, SSH_PORT, WORLD_SET, Object
from fractal_operator.core.world_plan import WorldPlan


def build_service(plan: WorldPlan) -> Object:
    """The Service. It names pods that aren't ready yet: a world is ready only after its pods found each other."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": plan.metadata(WORLD_SET),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": plan.pod_labels,
            "ports": [
                {"name": "agent", "port": AGENT_PORT, "targetPort": AGENT_PORT, "protocol": "TCP"},
                {"name": "ssh", "port": SSH_PORT, "targetPort": SSH_PORT, "protocol": "TCP"},
            ],
        },
    }

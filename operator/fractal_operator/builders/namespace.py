"""A world's Namespace: where its pods live under Pod Security `restricted`, owned by the FractalNamespace."""

from typing import Final

from fractal_operator.core.names import Object
from fractal_operator.core.world_plan import WorldPlan

POD_SECURITY: Final = "pod-security.kubernetes.io/enforce"


def build_namespace(plan: WorldPlan) -> Object:
    """The Namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": plan.name,
            "labels": {**plan.labels, POD_SECURITY: "restricted"},
            "ownerReferences": [plan.owner],
        },
    }

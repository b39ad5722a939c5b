"""A world's StatefulSet: all pods at once, and no pod replaced but by the operator, who knows when no run is on."""

import hashlib
import json

from fractal_operator.builders.pod_template import build_pod_template
from fractal_operator.core.names import REVISION, WORLD_SET, Object
from fractal_operator.core.world_plan import WorldPlan, WorldSecret


def build_stateful_set(plan: WorldPlan, secret: WorldSecret, *, replicas: int | None = None) -> Object:
    """The StatefulSet; `replicas` other than the plan's let a world rest that could not be started."""
    template = build_pod_template(plan, secret)
    revision = revision_of(template)
    template["metadata"]["annotations"] |= {REVISION: revision}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": plan.metadata(WORLD_SET, {REVISION: revision}),
        "spec": {
            "serviceName": WORLD_SET,
            "replicas": plan.nodes if replicas is None else replicas,
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "OnDelete"},
            "revisionHistoryLimit": 1,
            "selector": {"matchLabels": plan.pod_labels},
            "template": template,
        },
    }


def revision_of(template: Object) -> str:
    """A name for a pod template that changes with anything in it, the number of pods included."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]

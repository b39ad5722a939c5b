"""Whether a Kubernetes namespace that is there belongs to a FractalNamespace: its owner's uid says so, nothing else."""

from fractal_api import GROUP
from fractal_api.conditions import NamespaceReason
from fractal_operator.core.names import Object
from fractal_operator.core.world_plan import WorldPlan
from fractal_operator.core.world_report import Refusal


def judge(found: Object, plan: WorldPlan) -> Refusal | None:
    """Why the world can't live in the namespace that is there; None when it is its own.

    A label is no proof, since anybody who may label namespaces can write it.
    """
    metadata = found["metadata"]
    owners = metadata.get("ownerReferences") or ()
    going = "deletionTimestamp" in metadata
    if any(owner.get("uid") == plan.uid for owner in owners):
        if not going:
            return None
        return _wait("waits for the end of its namespace, which somebody deleted, to make it anew")
    ours = any(owner.get("kind") == "FractalNamespace" and GROUP in owner.get("apiVersion", "") for owner in owners)
    if going and ours:
        return _wait("waits for the end of the namespace of its predecessor")
    return Refusal(
        reason=NamespaceReason.NAMESPACE_CONFLICT,
        # No word of deleting that namespace: it may be somebody's work, or the operator's own.
        message=f"can't be made: the namespace {plan.name} exists and is not its own; make a FractalNamespace of "
        "another name instead",
    )


def _wait(message: str) -> Refusal:
    return Refusal(reason=NamespaceReason.NAMESPACE_TERMINATING, message=message, sick=False)

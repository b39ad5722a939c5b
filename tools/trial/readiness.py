"""Whether an object is ready, and if it isn't, why: one clause that ends the sentence "it waits for …".

Pure: objects as the API server's JSON in, words out.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Object = Mapping[str, Any]


def deployment_lacks(found: Object | None) -> str:
    """What a Deployment lacks to be available in its newest form; nothing when it is."""
    if found is None:
        return "it does not exist yet"
    wanted = found["spec"].get("replicas", 1)
    status = found.get("status", {})
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return "the change has not been seen yet"
    have = min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    surplus = status.get("replicas", 0) > status.get("updatedReplicas", 0)
    if have < wanted:
        return f"{have} of {wanted} pods are available"
    return "older pods are still there" if surplus else ""


def stateful_set_lacks(found: Object | None) -> str:
    """What a StatefulSet lacks to have all of its pods ready; nothing when it has."""
    if found is None:
        return "it does not exist yet"
    wanted, have = found["spec"].get("replicas", 1), found.get("status", {}).get("readyReplicas", 0)
    return "" if have >= wanted else f"{have} of {wanted} pods are ready"


def world_lacks(found: Object | None) -> str:
    """What a FractalNamespace lacks to be Ready, in the operator's words; nothing when it is."""
    if found is None:
        return "it does not exist yet: the operator makes it"
    ready = condition(found, "Ready")
    if ready is None:
        return "the operator has not looked at it yet"
    if ready["status"] == "True":
        return ""
    return f"{ready['reason']}: {ready['message']}" if ready.get("message") else str(ready["reason"])


def condition(found: Object, kind: str) -> Object | None:
    """The object's condition of that type."""
    conditions: Iterable[Object] = found.get("status", {}).get("conditions") or ()
    return next((entry for entry in conditions if entry["type"] == kind), None)


def pod_obstacle(pods: Iterable[Object]) -> str:
    """What keeps the first of the pods that is not ready; nothing when all are, or when it is just starting."""
    for pod in pods:
        if words := _obstacle(pod):
            return f"pod {pod['metadata']['name']}: {words}"
    return ""


def _obstacle(pod: Object) -> str:
    ready = condition(pod, "Ready")
    if ready is not None and ready["status"] == "True":
        return ""
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        return str(scheduled.get("message", scheduled.get("reason", "no node takes it")))
    for container in pod.get("status", {}).get("containerStatuses", ()):
        state = container.get("state", {})
        waiting = state.get("waiting") or state.get("terminated")
        if waiting and waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}:
            return ": ".join(word for word in (waiting["reason"], waiting.get("message", "")) if word)
    return ""

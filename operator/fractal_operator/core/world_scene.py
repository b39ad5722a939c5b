"""A world as it is seen: its StatefulSet and pods, read out of the objects that the API server shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fractal_operator.core.names import MASTER, REVISION, Object

_UNREMARKABLE: Final = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSeen:
    """A pod.

    `going` says that its deletion was asked for; `trouble` is what keeps it from being ready, as a sentence's rest.
    """

    name: str
    uid: str
    revision: str = ""
    born_of: str = ""
    ready: bool = False
    ip: str = ""
    going: bool = False
    trouble: str = ""
    restarts: int = 0

    @property
    def incarnation(self) -> str:
        """A name for the pod's processes: after a restart of its container they remember nothing."""
        return f"{self.uid}.{self.restarts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSeen:
    """A StatefulSet. `revision` is of the template that we applied; `updates_to` is Kubernetes' own name of it.

    `drifted` says that somebody else changed it.
    """

    revision: str
    replicas: int
    updates_to: str = ""
    drifted: bool = False


def see_set(obj: Object, *, drifted: bool = False) -> SetSeen:
    """What matters of a StatefulSet."""
    spec, status = _part(obj, "spec"), _part(obj, "status")
    current = status.get("observedGeneration") == _part(obj, "metadata").get("generation")
    return SetSeen(
        revision=str(_part(obj, "metadata", "annotations").get(REVISION, "")),
        replicas=int(spec.get("replicas", 1)),
        updates_to=str(status.get("updateRevision", "")) if current else "",
        drifted=drifted,
    )


def see_pod(obj: Object) -> PodSeen:
    """What matters of a pod."""
    metadata, status = _part(obj, "metadata"), _part(obj, "status")
    ready = _condition(status, "Ready").get("status") == "True"
    going = "deletionTimestamp" in metadata
    return PodSeen(
        name=str(metadata.get("name", "")),
        uid=str(metadata.get("uid", "")),
        revision=str(_part(metadata, "annotations").get(REVISION, "")),
        born_of=str(_part(metadata, "labels").get("controller-revision-hash", "")),
        ready=ready and not going,
        ip=str(status.get("podIP", "")),
        going=going,
        trouble="" if ready and not going else _trouble(obj),
        restarts=sum(int(container.get("restartCount", 0)) for container in status.get("containerStatuses") or ()),
    )


def master(pods: Sequence[PodSeen]) -> PodSeen | None:
    """The pod with the agent, when it is there and stays."""
    return next((pod for pod in pods if pod.name == MASTER and not pod.going), None)


def _trouble(obj: Object) -> str:
    metadata, status = _part(obj, "metadata"), _part(obj, "status")
    if "deletionTimestamp" in metadata:
        return f"is being deleted on node {_part(obj, 'spec').get('nodeName', '?')}"
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"can't be scheduled: {scheduled.get('message') or scheduled.get('reason', '')}"
    for container in status.get("containerStatuses") or ():
        if told := _container(container):
            return told
    return "is not ready yet"


def _container(status: Mapping[str, Any]) -> str:
    """What keeps a container from running; empty when it runs or starts as it should."""
    state = _part(status, "state")
    waiting, ended = _part(state, "waiting"), _part(state, "terminated") or _part(status, "lastState", "terminated")
    if waiting.get("reason") and waiting["reason"] not in _UNREMARKABLE and not ended:
        return f"waits: {waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    if ended:
        restarts = status.get("restartCount", 0)
        how = f"exit code {ended.get('exitCode')} ({ended.get('reason', 'no reason')})"
        return f"has ended with {how}, restarts: {restarts}"
    return ""


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((found for found in status.get("conditions") or () if found.get("type") == kind), {})


def _part(obj: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """A mapping within an object; empty when it is absent or null."""
    found: Any = obj
    for name in names:
        found = (found or {}).get(name)
    return found or {}

"""FractalNamespaces and what belongs to them: each event goes to the worlds' keepers, who do the work."""

from typing import Final, Protocol

import kopf

from fractal_api import GROUP, VERSION
from fractal_api.kinds import NAMESPACES
from fractal_operator.core.names import WORLD_LABEL
from fractal_operator.handlers.registry import REGISTRY
from fractal_operator.services.observer import Observer
from fractal_operator.services.worlds.keepers import WorldKeepers

WORLDS: Final = (GROUP, VERSION, NAMESPACES.plural)
OURS: Final = {WORLD_LABEL: kopf.PRESENT}

RELEASE_S: Final = 10.0
"""How long one call waits for a world's end; kopf writes an annotation after each."""

POLLING_S: Final = 0.5
"""How often kopf asks whether the observer of a deleted world has ended; each time it may write a touch.

It is asked between calls of `let_go` only, which wait for the same end: so seldom, however short this is.
"""


class WorldOffice(Protocol):
    """The part of kopf's memo that these handlers need."""

    @property
    def keepers(self) -> WorldKeepers:
        """Who keeps the worlds."""
        ...

    @property
    def observer(self) -> Observer:
        """Who follows their agents."""
        ...


@kopf.on.event(*WORLDS, registry=REGISTRY)
async def observe_world(event: kopf.RawEvent, memo: WorldOffice, **_: object) -> None:
    """Tell the keepers what became of a FractalNamespace."""
    memo.keepers.observe_world(event["type"], dict(event["object"]))


@kopf.on.event("v1", "pods", labels=OURS, registry=REGISTRY)
@kopf.on.event("apps", "v1", "statefulsets", labels=OURS, registry=REGISTRY)
@kopf.on.event("v1", "services", labels=OURS, registry=REGISTRY)
@kopf.on.event("networking.k8s.io", "v1", "networkpolicies", labels=OURS, registry=REGISTRY)
@kopf.on.event("rbac.authorization.k8s.io", "v1", "rolebindings", labels=OURS, registry=REGISTRY)
@kopf.on.event("v1", "namespaces", registry=REGISTRY)
async def observe_child(event: kopf.RawEvent, resource: kopf.Resource, memo: WorldOffice, **_: object) -> None:
    """Tell the keepers what became of an object that may belong to a world."""
    memo.keepers.observe_child(resource.kind or "", event["type"], dict(event["object"]))


@kopf.on.delete(*WORLDS, registry=REGISTRY)
async def let_go(name: str, uid: str, memo: WorldOffice, **_: object) -> None:
    """Keep a FractalNamespace until its run is over, or had its time; children go by garbage collection."""
    if not await memo.keepers.released(name, uid, within_s=RELEASE_S):
        raise kopf.TemporaryError("its run is not over yet", delay=0.1)


@kopf.daemon(*WORLDS, registry=REGISTRY, cancellation_polling=POLLING_S)
async def observe_agent(name: str, uid: str, stopped: kopf.DaemonStopped, memo: WorldOffice, **_: object) -> None:
    """Follow the world's agent; during a drain, too, while its last run is on."""
    await memo.observer.follow_until(name, _ended(name, uid, stopped, memo))


async def _ended(name: str, uid: str, stopped: kopf.DaemonStopped, memo: WorldOffice) -> None:
    await stopped.wait()
    if stopped.reason == kopf.DaemonStoppingReason.RESOURCE_DELETED:
        while not await memo.keepers.released(name, uid, within_s=RELEASE_S):
            continue

"""Kubernetes Events about FractalNamespaces: what `kubectl describe` shows below a world.

The name of an Event is made from world, reason and moment: told twice, by two leaders say, it is there once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fractal_api import GROUP, VERSION
from fractal_operator.core.names import OPERATOR, Object

NAMESPACE: Final = "default"
"""Where Events about objects without a namespace are kept."""

_MAX_MESSAGE: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldEvent:
    """Something that people should learn about a world, and since when it is so."""

    world: str
    uid: str
    reason: str
    message: str
    since: datetime
    warning: bool = False


def build_world_event(event: WorldEvent) -> Object:
    """The Event."""
    stamp = event.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{event.world}.{event.uid[:8]}.{event.reason.lower()}.{int(event.since.timestamp())}",
            "namespace": NAMESPACE,
        },
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "FractalNamespace",
            "name": event.world,
            "uid": event.uid,
        },
        "type": "Warning" if event.warning else "Normal",
        "reason": event.reason,
        "message": event.message[:_MAX_MESSAGE],
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "source": {"component": OPERATOR},
        "reportingComponent": OPERATOR,
        "reportingInstance": "",
    }

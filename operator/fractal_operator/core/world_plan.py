"""What the children of a FractalNamespace are made from: a value that holds all that the builders need to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fractal_api import GROUP, VERSION
from fractal_api.namespaces import FractalNamespace, WorldTemplate
from fractal_operator.core.names import (
    MANAGED_BY,
    MANAGER,
    SERVER_GROUP_LABEL,
    WORLD_LABEL,
    WORLD_SET,
    Object,
)

WORLD_USER: Final = "world"
"""Who a world is to the Redis store."""

SECRETS_FOLDER: Final = "/etc/fractal"
"""Where a pod finds the world's Secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What all worlds of an operator have in common. `image` is for worlds that name none.

    `store_inside` says that the store is the Redis of the operator's namespace, rather than somewhere else.
    """

    namespace: str
    image: str
    install: str
    store_port: int = 6379
    store_inside: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSecret:
    """The Secret of a world: its name, and a digest of what it holds, which goes into the pods' revision."""

    name: str
    digest: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlan:
    """A world that is wanted, in the namespace of its name."""

    name: str
    uid: str
    nodes: int
    slots: int
    image: str
    template: WorldTemplate
    home: Home

    @property
    def labels(self) -> dict[str, str]:
        """What finds the world's objects."""
        return {WORLD_LABEL: self.name, MANAGED_BY: MANAGER}

    @property
    def pod_labels(self) -> dict[str, str]:
        """What finds the world's pods, and nothing else."""
        return {WORLD_LABEL: self.name, SERVER_GROUP_LABEL: WORLD_SET}

    @property
    def owner(self) -> Object:
        """The reference by which the garbage collector finds what belongs to the FractalNamespace."""
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "FractalNamespace",
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }

    def metadata(self, name: str, annotations: Mapping[str, str] | None = None) -> Object:
        """The metadata of an object in the world's namespace."""
        return {
            "name": name,
            "namespace": self.name,
            "labels": self.labels,
            **({"annotations": dict(annotations)} if annotations else {}),
            "ownerReferences": [self.owner],
        }


def plan_world(world: FractalNamespace, home: Home) -> WorldPlan:
    """The plan of a FractalNamespace that the API server holds."""
    spec = world.spec
    return WorldPlan(
        name=world.metadata.name or "",
        uid=world.metadata.uid or "",
        nodes=spec.nodes,
        slots=spec.slots_per_node,
        image=spec.image or home.image,
        template=spec.template or WorldTemplate(),
        home=home,
    )


def pod_selector(name: str) -> str:
    """The selector of a world's pods, as one string."""
    return f"{WORLD_LABEL}={name},{SERVER_GROUP_LABEL}={WORLD_SET}"

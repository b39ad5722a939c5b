"""What a FractalNamespace asks for, read out of the object; what can't be is told, not raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fractal_api.conditions import NamespaceReason
from fractal_api.errors import SpecError
from fractal_api.manifests import parse_namespace
from fractal_api.metadata import LabelSelector
from fractal_api.namespaces import FractalNamespaceSpec
from fractal_operator.core.names import LIFT_QUARANTINE, Object
from fractal_operator.core.world_plan import Home, WorldPlan, plan_world
from fractal_operator.core.world_report import Refusal

_PARTS: Final = ("apiVersion", "kind", "metadata", "spec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A FractalNamespace. `plan` is None, and `refusal` says why, when the spec makes no sense.

    `leaving_at` is when the deletion was asked for, in seconds since 1970. `lifts_quarantine` says that a person wants
    a quarantine to end.
    """

    name: str
    uid: str
    generation: int | None
    labels: Mapping[str, str]
    spec: FractalNamespaceSpec
    plan: WorldPlan | None = None
    refusal: Refusal | None = None
    leaving_at: float | None = None
    lifts_quarantine: bool = False

    @property
    def allowed_namespaces(self) -> LabelSelector | None:
        """Whose jobs the world takes."""
        return self.spec.allowed_namespaces


def read_order(obj: Object, home: Home) -> Order:
    """The order of a FractalNamespace that the API server holds."""
    metadata = obj["metadata"]
    asked = metadata.get("deletionTimestamp")
    known = {
        "name": metadata["name"],
        "uid": metadata["uid"],
        "generation": metadata.get("generation"),
        "labels": metadata.get("labels") or {},
        "lifts_quarantine": LIFT_QUARANTINE in (metadata.get("annotations") or {}),
        "leaving_at": None if asked is None else datetime.fromisoformat(asked).timestamp(),
    }
    try:
        world = parse_namespace({part: obj[part] for part in _PARTS if part in obj})
    except SpecError as error:
        refusal = Refusal(reason=NamespaceReason.INVALID_SPEC, message=f"can't be what it should be: {error}")
        return Order(**known, spec=FractalNamespaceSpec(), refusal=refusal)
    return Order(**known, spec=world.spec, plan=plan_world(world, home))

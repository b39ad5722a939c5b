"""Conditions: what is true of an object, why, and since when.

The types and reasons are closed sets: programs compare them, and people read the message beside them.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from fractal_api.constraints import StatusPart


class JobCondition(StrEnum):
    """The conditions of a FractalJob."""

    ACCEPTED = "Accepted"
    SUSPENDED = "Suspended"
    ASSIGNED = "Assigned"
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"
    RESULT_AVAILABLE = "ResultAvailable"


class NamespaceCondition(StrEnum):
    """The conditions of a FractalNamespace."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    DRAINING = "Draining"
    DEGRADED = "Degraded"


class ConditionStatus(StrEnum):
    """Whether a condition holds; Kubernetes fixes these words, which nobody writes by hand."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class JobReason(StrEnum):
    """Why a condition of a FractalJob is as it is."""

    VALID = "Valid"
    INVALID_SPEC = "InvalidSpec"
    DEPTH_NOT_SUPPORTED = "DepthNotSupported"
    ORBIT_TOO_LONG = "OrbitTooLong"
    TOO_LARGE_FOR_STORE = "TooLargeForStore"
    QUEUED = "Queued"
    NO_WORLD = "NoWorld"
    NOT_ALLOWED = "NotAllowed"
    WORLD_NOT_READY = "WorldNotReady"
    NAMESPACE_LIMIT = "NamespaceLimit"
    SUSPENDED = "Suspended"
    RESUMED = "Resumed"
    ASSIGNED = "Assigned"
    RENDERING = "Rendering"
    STORE_BACKPRESSURE = "StoreBackpressure"
    STORE_AWAY = "StoreAway"
    STORE_FULL = "StoreFull"
    RENDER_FAILED = "RenderFailed"
    INTERRUPTED = "Interrupted"
    WORLD_LOST = "WorldLost"
    BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
    INTERRUPTION_LIMIT_EXCEEDED = "InterruptionLimitExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    RENDERED = "Rendered"
    RESULT_STORED = "ResultStored"
    RESULT_EXPIRED = "ResultExpired"
    RESULT_LOST = "ResultLost"


class NamespaceReason(StrEnum):
    """Why a condition of a FractalNamespace is as it is."""

    WORLD_READY = "WorldReady"
    NAMESPACE_CONFLICT = "NamespaceConflict"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    INVALID_SPEC = "InvalidSpec"
    PODS_STARTING = "PodsStarting"
    START_DEADLINE_EXCEEDED = "StartDeadlineExceeded"
    SCALED_TO_ZERO = "ScaledToZero"
    ROLLOUT_PENDING = "RolloutPending"
    DRAIN_REQUESTED = "DrainRequested"
    DRAINED = "Drained"
    WORLD_LOST = "WorldLost"
    QUARANTINED = "Quarantined"
    KEEPING_FAILED = "KeepingFailed"
    NOT_REQUESTED = "NotRequested"
    AS_EXPECTED = "AsExpected"


class Condition(StatusPart):
    """One thing that is true of an object, or not."""

    type: str = Field(min_length=1, description="What this is about, such as Complete.")
    status: ConditionStatus = Field(description="Whether it holds: True, False or Unknown.")
    reason: str = Field(default="", description="Why, in one word for programs.")
    message: str = Field(default="", description="Why, in a sentence for people.")
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        default=None, alias="observedGeneration", description="The generation of the spec that this was said about."
    )
    last_transition_time: AwareDatetime | None = Field(
        default=None, alias="lastTransitionTime", description="When the status last changed."
    )


def find_condition(conditions: Sequence[Condition], condition_type: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((condition for condition in conditions if condition.type == condition_type), None)


def holds(conditions: Sequence[Condition], condition_type: str) -> bool:
    """Whether the condition of that type is there and True."""
    found = find_condition(conditions, condition_type)
    return found is not None and found.status is ConditionStatus.TRUE


def set_condition(conditions: Sequence[Condition], wanted: Condition, now: datetime) -> tuple[Condition, ...]:
    """The conditions with the wanted one in its type's place, or at the end.

    Its lastTransitionTime is `now` when its status differs from before, and kept otherwise.
    """
    before = find_condition(conditions, wanted.type)
    kept = before is not None and before.status is wanted.status and before.last_transition_time is not None
    since = before.last_transition_time if before is not None and kept else now
    dated = wanted.model_copy(update={"last_transition_time": since})
    if before is None:
        return (*conditions, dated)
    return tuple(dated if condition.type == wanted.type else condition for condition in conditions)

"""Whose fault it is that an attempt failed, and what follows from that: one table.

A user's fault is never tried again. A world's counts against the job's backoffLimit and waits longer each time. The
infrastructure's is bounded too, by a number that no healthy cluster reaches.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from fractal_api.conditions import ConditionStatus, JobCondition, JobReason, find_condition
from fractal_api.jobs import FractalJobStatus
from fractal_operator.core.backoff import delay_s

MAX_INTERRUPTIONS: Final = 10
"""Interruptions after which a job is given up."""

FIRST_PAUSE_S: Final = 1
LONGEST_PAUSE_S: Final = 60


class Fault(StrEnum):
    """Whose fault a failure is."""

    USER = "User"
    WORLD = "World"
    INFRASTRUCTURE = "Infrastructure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt is over; `word` is the agent's or ours, `message` a sentence for people."""

    word: str
    message: str

    @property
    def fault(self) -> Fault:
        """Whose fault it is."""
        return _TABLE.get(self.word, _OTHERWISE)[0]

    @property
    def reason(self) -> JobReason:
        """The reason that a condition gives for it."""
        return _TABLE.get(self.word, _OTHERWISE)[1]


WORLD_LOST: Final = "WorldLost"
RESULT_LOST: Final = "ResultLost"
STORE_AWAY: Final = "StoreAway"
CANCELLED: Final = "CancelledElsewhere"
AGENT_REFUSES: Final = "AgentRefuses"

_TABLE: Final[dict[str, tuple[Fault, JobReason]]] = {
    # What no world could render.
    "InvalidSpec": (Fault.USER, JobReason.INVALID_SPEC),
    "SpecError": (Fault.USER, JobReason.INVALID_SPEC),
    "BodyError": (Fault.USER, JobReason.INVALID_SPEC),
    "DepthNotSupported": (Fault.USER, JobReason.DEPTH_NOT_SUPPORTED),
    "OrbitTooLong": (Fault.USER, JobReason.ORBIT_TOO_LONG),
    "TooLargeForStore": (Fault.USER, JobReason.TOO_LARGE_FOR_STORE),
    # What a world did; the agent has tried several times by then, without a new tile.
    "RenderFailed": (Fault.WORLD, JobReason.RENDER_FAILED),
    "AssemblyFailed": (Fault.WORLD, JobReason.RENDER_FAILED),
    "WorldDied": (Fault.WORLD, JobReason.RENDER_FAILED),
    "WorldHung": (Fault.WORLD, JobReason.RENDER_FAILED),
    "WorldNotStarted": (Fault.WORLD, JobReason.RENDER_FAILED),
    "WorldCondemned": (Fault.WORLD, JobReason.RENDER_FAILED),
    # What happened around it.
    WORLD_LOST: (Fault.INFRASTRUCTURE, JobReason.WORLD_LOST),
    STORE_AWAY: (Fault.INFRASTRUCTURE, JobReason.STORE_AWAY),
    "StoreFull": (Fault.INFRASTRUCTURE, JobReason.STORE_FULL),
    "StoreCorrupt": (Fault.INFRASTRUCTURE, JobReason.RESULT_LOST),
    "RecordError": (Fault.INFRASTRUCTURE, JobReason.RESULT_LOST),
    "TileError": (Fault.INFRASTRUCTURE, JobReason.RESULT_LOST),
    "StoreUnsafe": (Fault.INFRASTRUCTURE, JobReason.STORE_AWAY),
    RESULT_LOST: (Fault.INFRASTRUCTURE, JobReason.RESULT_LOST),
    "RunConflict": (Fault.INFRASTRUCTURE, JobReason.INTERRUPTED),
    "OtherPicture": (Fault.INFRASTRUCTURE, JobReason.INTERRUPTED),
    "Interrupted": (Fault.INFRASTRUCTURE, JobReason.INTERRUPTED),
    CANCELLED: (Fault.INFRASTRUCTURE, JobReason.INTERRUPTED),
    AGENT_REFUSES: (Fault.INFRASTRUCTURE, JobReason.INTERRUPTED),
}

_OTHERWISE: Final = (Fault.WORLD, JobReason.RENDER_FAILED)
"""A word of an agent that is newer than we are: counted, so that it is bounded."""

_FAULTS: Final[dict[str, Fault]] = {reason: fault for fault, reason in _TABLE.values()}

KNOWN_WORDS: Final = frozenset(_TABLE)

STORE_REASONS: Final = frozenset({JobReason.STORE_AWAY, JobReason.STORE_FULL})
"""Reasons that a job gives while it waits for a store."""


def pause_after(count: int) -> timedelta:
    """How long a job waits after its so-many-th failure or interruption: 1, 2, 4 … 60 s."""
    return timedelta(seconds=delay_s(count, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S))


def retry_at(status: FractalJobStatus) -> datetime | None:
    """When a job that lost an attempt may be assigned again; None when nothing keeps it.

    It is derived from what the API server holds: the end of the attempt, its reason, and the counts.
    """
    assigned = find_condition(status.conditions, JobCondition.ASSIGNED)
    if assigned is None or assigned.status is not ConditionStatus.FALSE or assigned.last_transition_time is None:
        return None
    match _FAULTS.get(assigned.reason):
        case Fault.WORLD:
            return assigned.last_transition_time + pause_after(status.failures)
        case Fault.INFRASTRUCTURE:
            return assigned.last_transition_time + pause_after(status.interruptions)
        case _:
            return None

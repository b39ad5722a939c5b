"""What the operator does about a FractalJob, as values; the scheduler does them in this order."""

from dataclasses import dataclass
from enum import StrEnum

from fractal_api.jobs import FractalJobStatus


class Milestone(StrEnum):
    """What is told as a Kubernetes Event, once each for an attempt or a job."""

    ASSIGNED = "Assigned"
    STARTED = "Started"
    COMPLETED = "Completed"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStatus:
    """Put this status; whatever follows is done only when the API server took it."""

    status: FractalJobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRun:
    """See to it that the world's agent has the run."""

    world: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """See to it that the world's agent hasn't the run any more."""

    world: str
    run: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Tell people, by a Kubernetes Event; the attempt is part of its name, so that it is told once."""

    milestone: Milestone
    attempt: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob:
    """Delete the FractalJob, if it is still this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetResult:
    """Remove all that the store has of the job, of so many attempts."""

    attempts: int


Action = WriteStatus | PutRun | CancelRun | Record | DeleteJob | ForgetResult

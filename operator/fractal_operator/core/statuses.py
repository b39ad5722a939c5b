"""Statuses of FractalJobs, put together: every change of a status is one of these, made at one moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fractal_api.conditions import Condition, ConditionStatus, JobCondition, JobReason, find_condition, set_condition
from fractal_api.jobs import FractalJobStatus, JobPhase, JobResult, Progress
from fractal_api.storage import ResultRecord
from fractal_operator.core.jobs import Job

_YES: Final = ConditionStatus.TRUE
_NO: Final = ConditionStatus.FALSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """A condition that is to be said of a job. `quiet` ones are said only where an earlier one stands."""

    kind: JobCondition
    status: ConditionStatus
    reason: JobReason
    message: str = ""
    quiet: bool = False


def yes(kind: JobCondition, reason: JobReason, message: str = "") -> Saying:
    """The condition holds."""
    return Saying(kind=kind, status=_YES, reason=reason, message=message)


def no(kind: JobCondition, reason: JobReason, message: str = "", *, quiet: bool = False) -> Saying:
    """The condition doesn't hold."""
    return Saying(kind=kind, status=_NO, reason=reason, message=message, quiet=quiet)


def say(job: Job, now: datetime, *sayings: Saying) -> tuple[Condition, ...]:
    """The job's conditions, with these in their places; those that say the same as before are kept as they are."""
    conditions = job.status.conditions
    for saying in sayings:
        before = find_condition(conditions, saying.kind)
        if before is None and saying.quiet:
            continue
        if before is not None and (before.status, before.reason, before.message) == (
            saying.status,
            saying.reason,
            saying.message,
        ):
            continue
        wanted = Condition(
            type=saying.kind,
            status=saying.status,
            reason=saying.reason,
            message=saying.message,
            observedGeneration=job.generation,
        )
        conditions = set_condition(conditions, wanted, now)
    return conditions


def changed(job: Job, now: datetime, *sayings: Saying, **fields: object) -> FractalJobStatus:
    """The job's status with these conditions and fields."""
    told = {"conditions": say(job, now, *sayings), "observed_generation": job.generation, **fields}
    return job.status.model_copy(update=told)


ACCEPTED: Final = yes(JobCondition.ACCEPTED, JobReason.VALID)


def not_assigned(reason: JobReason, message: str) -> tuple[Saying, ...]:
    """No world has the job."""
    return (
        ACCEPTED,
        no(JobCondition.ASSIGNED, reason, message),
        no(JobCondition.RUNNING, reason, message, quiet=True),
    )


def waiting(job: Job, reason: JobReason, message: str, now: datetime) -> FractalJobStatus:
    """The status of a job that waits for a world."""
    return changed(
        job,
        now,
        *not_assigned(reason, message),
        no(JobCondition.SUSPENDED, JobReason.RESUMED, quiet=True),
        phase=JobPhase.PENDING,
        assigned_to=None,
        progress=None,
    )


def suspended(job: Job, now: datetime) -> FractalJobStatus:
    """The status of a job that is held back."""
    message = "spec.execution.suspend is true; what is rendered already is kept"
    return changed(
        job,
        now,
        yes(JobCondition.SUSPENDED, JobReason.SUSPENDED, message),
        *not_assigned(JobReason.SUSPENDED, message),
        phase=JobPhase.SUSPENDED,
        assigned_to=None,
        progress=None,
    )


def complete(job: Job, record: ResultRecord, now: datetime) -> FractalJobStatus:
    """The status of a job whose picture is there; it keeps the name of the world that rendered it."""
    message = f"{record.width}×{record.height} pixels in {record.seconds:.1f} s"
    tiles = job.status.progress.tiles_total if job.status.progress else 0
    return changed(
        job,
        now,
        ACCEPTED,
        no(JobCondition.ASSIGNED, JobReason.RENDERED, quiet=True),
        no(JobCondition.RUNNING, JobReason.RENDERED, quiet=True),
        yes(JobCondition.COMPLETE, JobReason.RENDERED, message),
        yes(JobCondition.RESULT_AVAILABLE, JobReason.RESULT_STORED),
        phase=JobPhase.COMPLETE,
        start_time=job.status.start_time or now,
        completion_time=now,
        progress=Progress(percent=100, tilesDone=tiles, tilesTotal=tiles, etaSeconds=0),
        result=JobResult(
            sha256=record.sha256,
            pixelsSha256=record.pixels_sha256,
            bytes=record.bytes,
            width=record.width,
            height=record.height,
            seconds=round(record.seconds, 3),
            maxIterations=record.max_iterations,
        ),
    )


def failed(job: Job, reason: JobReason, message: str, now: datetime, **fields: object) -> FractalJobStatus:
    """The status of a job that is given up."""
    accepted = no(JobCondition.ACCEPTED, reason, message) if reason is JobReason.INVALID_SPEC else ACCEPTED
    return changed(
        job,
        now,
        accepted,
        no(JobCondition.ASSIGNED, reason, quiet=True),  # it waits for nothing any more
        no(JobCondition.RUNNING, reason, quiet=True),
        yes(JobCondition.FAILED, reason, message),
        phase=JobPhase.FAILED,
        completion_time=now,
        **fields,
    )

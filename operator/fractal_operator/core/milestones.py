"""What people are told of a job's life, and what to tell again after a change of leaders: its status knows it all."""

from datetime import datetime, timedelta
from typing import Final

from fractal_api.conditions import Condition, ConditionStatus, JobCondition, holds
from fractal_api.jobs import FractalJobStatus
from fractal_operator.core.actions import Milestone, Record
from fractal_operator.core.jobs import Job

RECENT: Final = timedelta(minutes=10)
"""A leader that died, or couldn't write Events for long, may not have told what is younger than this.

Telling it again changes nothing, as long as the API server still has the Event: for an hour, unless told otherwise.
"""


def tell_assigned(world: str, attempt: int) -> Record:
    """A world was found."""
    return _record(Milestone.ASSIGNED, attempt, f"attempt {attempt} goes to world {world}")


def tell_started(world: str, attempt: int) -> Record:
    """Rendering began."""
    return _record(Milestone.STARTED, attempt, f"world {world} renders attempt {attempt}")


def tell_completed(status: FractalJobStatus) -> Record:
    """The picture is there."""
    return _record(Milestone.COMPLETED, status.attempts, _condition_of(status, JobCondition.COMPLETE).message)


def tell_failed(status: FractalJobStatus) -> Record:
    """The job was given up."""
    failed = _condition_of(status, JobCondition.FAILED)
    return _record(Milestone.FAILED, status.attempts, f"{failed.reason}: {failed.message}")


def recent_records(job: Job, now: datetime) -> list[Record]:
    """What happened to the job lately, as the leader before us should have told it."""
    status, told = job.status, []
    if _is_recent(job.condition(JobCondition.ASSIGNED), now):
        told.append(tell_assigned(job.world, job.attempt))
    if _is_recent(job.condition(JobCondition.RUNNING), now):
        told.append(tell_started(job.world, job.attempt))
    if _is_recent(job.condition(JobCondition.COMPLETE), now):
        told += [tell_assigned(job.world, job.attempt), tell_started(job.world, job.attempt), tell_completed(status)]
    if _is_recent(job.condition(JobCondition.FAILED), now):
        told.append(tell_failed(status))
    return told


def records_between(before: FractalJobStatus, after: FractalJobStatus) -> list[Record]:
    """What has happened to the job from one status to another, whoever wrote that one."""
    told = {(record.milestone, record.attempt) for record in _implied(before)}
    return [record for record in _implied(after) if (record.milestone, record.attempt) not in told]


def _implied(status: FractalJobStatus) -> list[Record]:
    """What must have happened to a job that has this status."""
    world, attempt = status.assigned_to or "", status.attempts
    if holds(status.conditions, JobCondition.FAILED):
        return [tell_failed(status)]
    if holds(status.conditions, JobCondition.COMPLETE):
        return [tell_assigned(world, attempt), tell_started(world, attempt), tell_completed(status)]
    told = [tell_assigned(world, attempt)] if holds(status.conditions, JobCondition.ASSIGNED) else []
    return [*told, tell_started(world, attempt)] if holds(status.conditions, JobCondition.RUNNING) else told


def _is_recent(condition: Condition | None, now: datetime) -> bool:
    """Whether it holds, and has begun to lately."""
    if condition is None or condition.status is not ConditionStatus.TRUE or condition.last_transition_time is None:
        return False
    return now - condition.last_transition_time < RECENT


def _condition_of(status: FractalJobStatus, kind: JobCondition) -> Condition:
    return next(condition for condition in status.conditions if condition.type == kind)


def _record(milestone: Milestone, attempt: int, message: str) -> Record:
    return Record(milestone=milestone, attempt=attempt, message=message)

"""What becomes of the wish for a job's picture: decided from the job and its result record alone."""

from dataclasses import dataclass
from http import HTTPStatus

from fractal_api.conditions import ConditionStatus, JobCondition, JobReason
from fractal_api.jobs import JobPhase
from fractal_api.storage import ResultRecord
from fractal_operator.core.job_view import End, JobView
from fractal_operator.gateway.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The picture can be read."""

    record: ResultRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """There is none yet, and there will be."""

    message: str


Verdict = Ready | Rendering | Problem


def decide(job: JobView, record: ResultRecord | None) -> Verdict:
    """What to say to somebody who wants the picture.

    A record counts although the status doesn't say Complete yet: it is written last, so the picture is there.
    """
    if job.end is End.FAILED:
        return _failed(job)
    if record is not None and _is_the_jobs(job, record):
        return Ready(record=record)
    if job.end is End.COMPLETE:
        return gone(job)
    return Rendering(message=_waiting(job))


def gone(job: JobView) -> Problem:
    """The answer when a picture that was there is there no longer."""
    available = job.condition(JobCondition.RESULT_AVAILABLE)
    reason, message = JobReason.RESULT_LOST.value, "is no longer in the store"
    if available is not None and available.status is ConditionStatus.FALSE:
        reason, message = available.reason or reason, available.message or message
    sentence = f"the picture of FractalJob {job.place} is gone: {message}; apply the job again under another name"
    return Problem(HTTPStatus.GONE, reason, sentence)


def _failed(job: JobView) -> Problem:
    failed = job.condition(JobCondition.FAILED)
    reason = failed.reason if failed is not None else ""
    message = failed.message if failed is not None else ""
    sentence = f"FractalJob {job.place} failed: {message or reason or 'no reason was given'}"
    return Problem(HTTPStatus.CONFLICT, "JobFailed", sentence, reason=reason)


def _is_the_jobs(job: JobView, record: ResultRecord) -> bool:
    """Whether the record is of the picture that the status promises, as far as it does."""
    return job.status.result is None or job.status.result.sha256 == record.sha256


def _waiting(job: JobView) -> str:
    """What the job is waiting for, in a sentence."""
    match job.status.phase:
        case JobPhase.SUSPENDED:
            return f"FractalJob {job.place} is suspended"
        case JobPhase.RUNNING | JobPhase.ASSIGNED:
            return f"FractalJob {job.place} is being rendered by {job.status.assigned_to or 'a world'}"
        case _:
            assigned = job.condition(JobCondition.ASSIGNED)
            why = f": {assigned.message}" if assigned is not None and assigned.message else ""
            return f"FractalJob {job.place} waits for a world{why}"

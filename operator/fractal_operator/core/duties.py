"""What a job's own spec and the clock ask for, now and next: looked at anew each time, remembered by nobody."""

from datetime import datetime, timedelta

from fractal_api.conditions import JobReason
from fractal_api.errors import SpecError
from fractal_api.picture import check_store_limit
from fractal_operator.core import stimuli as s
from fractal_operator.core.failures import retry_at
from fractal_operator.core.jobs import Job
from fractal_operator.core.lifecycle import FINISHED, WAITING, State, state_of


def find_duty(job: Job, now: datetime) -> s.Stimulus | None:
    """What is due for the job by its spec and the clock; None when nothing is."""
    state = state_of(job.status)
    if state in FINISHED:
        retire = retire_at(job)
        return s.Retire() if retire is not None and retire <= now else None
    if job.spec is None:
        return s.Refuse(reason=JobReason.INVALID_SPEC, message=job.problem)
    try:
        check_store_limit(job.spec.image)
    except SpecError as error:
        return s.Refuse(reason=JobReason.TOO_LARGE_FOR_STORE, message=str(error))
    deadline = deadline_at(job)
    if deadline is not None and deadline <= now:
        return s.Expire()
    if job.suspended:
        return None if state is State.SUSPENDED else s.Suspend()
    return s.Resume() if state is State.SUSPENDED else None


def next_duty_at(job: Job) -> datetime | None:
    """When the clock may next ask for something."""
    state = state_of(job.status)
    if state in FINISHED:
        return retire_at(job)
    times = [time for time in (deadline_at(job), retry_at(job.status) if state in WAITING else None) if time]
    return min(times, default=None)


def deadline_at(job: Job) -> datetime | None:
    """When an unfinished job fails; None without a deadline, or before its first start."""
    limit_s = job.spec.execution.active_deadline_seconds if job.spec else None
    start = job.status.start_time
    return None if limit_s is None or start is None else start + timedelta(seconds=limit_s)


def retire_at(job: Job) -> datetime | None:
    """When a finished job is deleted; None when it stays."""
    ttl_s = job.spec.execution.ttl_seconds_after_finished if job.spec else None
    end = job.status.completion_time
    return None if ttl_s is None or end is None else end + timedelta(seconds=ttl_s)

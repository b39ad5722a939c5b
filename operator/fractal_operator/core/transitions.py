"""What each stimulus does to a FractalJob that it concerns: the functions behind the table in `lifecycle`."""

from dataclasses import dataclass
from datetime import datetime

from fractal_api.conditions import JobCondition, JobReason
from fractal_api.jobs import FractalJobStatus, JobPhase
from fractal_operator.core import actions as a
from fractal_operator.core import statuses
from fractal_operator.core import stimuli as s
from fractal_operator.core.failures import MAX_INTERRUPTIONS, Failure, Fault, pause_after
from fractal_operator.core.jobs import Job, run_id
from fractal_operator.core.milestones import tell_assigned, tell_completed, tell_failed, tell_started
from fractal_operator.core.statuses import no, yes


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The job's status from now on, and what is to be done, in this order."""

    status: FractalJobStatus
    actions: tuple[a.Action, ...] = ()


def ignore(job: Job, _: s.Stimulus, __: datetime) -> Decision:
    """Nothing."""
    return Decision(status=job.status)


def refuse(job: Job, stimulus: s.Refuse, now: datetime) -> Decision:
    """Give the job up: it asks for what can't be."""
    return _give_up(job, stimulus.reason, stimulus.message, now)


def hold(job: Job, stimulus: s.Hold, now: datetime) -> Decision:
    """Say why the job waits."""
    return _write(job, statuses.waiting(job, stimulus.reason, stimulus.message, now))


def place(job: Job, stimulus: s.Place, now: datetime) -> Decision:
    """Assign the job: a new attempt."""
    attempt = job.attempt + 1
    message = f"attempt {attempt} on world {stimulus.world}"
    status = statuses.changed(
        job,
        now,
        statuses.ACCEPTED,
        no(JobCondition.SUSPENDED, JobReason.RESUMED, quiet=True),
        yes(JobCondition.ASSIGNED, JobReason.ASSIGNED, message),
        phase=JobPhase.ASSIGNED,
        assigned_to=stimulus.world,
        attempts=attempt,
        progress=None,
    )
    put = a.PutRun(world=stimulus.world, run=run_id(job.uid, attempt))
    return _write(job, status, put, tell_assigned(stimulus.world, attempt))


def suspend(job: Job, _: s.Suspend, now: datetime) -> Decision:
    """Hold back a job that no world has."""
    return _write(job, statuses.suspended(job, now))


def recall(job: Job, _: s.Suspend, __: datetime) -> Decision:
    """Take the run back first: the status says so once nobody works on it (Release)."""
    return Decision(status=job.status, actions=_cancel(job, "the job is suspended"))


def resume(job: Job, _: s.Resume, now: datetime) -> Decision:
    """Queue the job again."""
    return _write(job, statuses.waiting(job, JobReason.RESUMED, "resumed; waits for a world", now))


def expire(job: Job, _: s.Expire, now: datetime) -> Decision:
    """Give the job up: it took too long."""
    limit_s = job.spec.execution.active_deadline_seconds if job.spec else None
    message = f"spec.execution.activeDeadlineSeconds: not finished {limit_s} s after its first start"
    return _give_up(job, JobReason.DEADLINE_EXCEEDED, message, now)


def advance(job: Job, stimulus: s.Advance, now: datetime) -> Decision:
    """Say that the world renders the job, and how far it is."""
    begun = job.condition(JobCondition.RUNNING)
    running = begun is not None and begun.status == "True"
    status = statuses.changed(
        job,
        now,
        *(() if running else (yes(JobCondition.RUNNING, JobReason.RENDERING, f"world {job.world} renders it"),)),
        phase=JobPhase.RUNNING,
        start_time=job.status.start_time or now,
        progress=stimulus.progress,
    )
    return _write(job, status, tell_started(job.world, job.attempt))


def proceed(job: Job, stimulus: s.Advance, now: datetime) -> Decision:
    """Say how far the world is."""
    return _write(job, statuses.changed(job, now, progress=stimulus.progress))


def stall(job: Job, stimulus: s.Stall, now: datetime) -> Decision:
    """Say that the store holds the job up, or no longer does."""
    message = stimulus.message if stimulus.reason else f"world {job.world} renders it"
    running = yes(JobCondition.RUNNING, stimulus.reason or JobReason.RENDERING, message)
    return _write(job, statuses.changed(job, now, running))


def hold_up(job: Job, stimulus: s.Stall, now: datetime) -> Decision:
    """Say that the world can't take the job yet because of the store."""
    if stimulus.reason is None:
        return ignore(job, stimulus, now)
    return _write(job, statuses.changed(job, now, no(JobCondition.RUNNING, stimulus.reason, stimulus.message)))


def finish(job: Job, stimulus: s.Finish, now: datetime) -> Decision:
    """The picture is there."""
    status = statuses.complete(job, stimulus.record, now)
    return _write(job, status, tell_completed(status))


def fail(job: Job, stimulus: s.Break, now: datetime) -> Decision:
    """Try the job again elsewhere, or give it up."""
    failure = stimulus.failure
    match failure.fault:
        case Fault.USER:
            return _give_up(job, failure.reason, failure.message, now)
        case Fault.WORLD:
            return _fail_again(job, failure, now)
        case Fault.INFRASTRUCTURE:
            return _interrupt(job, failure, now)


def forget(job: Job, stimulus: s.Forget, now: datetime) -> Decision:
    """Put the same run again, which goes on from its tiles; its agent was another one."""
    count = job.status.interruptions + 1
    if count > MAX_INTERRUPTIONS:
        return _interrupt(job, Failure(word="Interrupted", message=stimulus.message), now)
    status = statuses.changed(
        job,
        now,
        no(JobCondition.RUNNING, JobReason.INTERRUPTED, stimulus.message, quiet=True),
        phase=JobPhase.ASSIGNED,
        interruptions=count,
    )
    return _write(job, status, a.PutRun(world=job.world, run=job.run))


def release(job: Job, stimulus: s.Release, now: datetime) -> Decision:
    """Queue the job, or hold it back: its run was taken back."""
    if job.suspended:
        return _write(job, statuses.suspended(job, now))
    return _write(job, statuses.waiting(job, JobReason.INTERRUPTED, stimulus.message, now))


def retire(job: Job, _: s.Retire, __: datetime) -> Decision:
    """Delete the FractalJob."""
    return Decision(status=job.status, actions=(a.DeleteJob(),))


def lose_result(job: Job, stimulus: s.LoseResult, now: datetime) -> Decision:
    """Say that the picture is gone; the job stays complete."""
    lost = no(JobCondition.RESULT_AVAILABLE, stimulus.reason, stimulus.message)
    return _write(job, statuses.changed(job, now, lost))


def vanish(job: Job, _: s.Vanish, __: datetime) -> Decision:
    """Take the run back, and remove what is stored."""
    return Decision(
        status=job.status,
        actions=(*_cancel(job, "the FractalJob was deleted"), a.ForgetResult(attempts=job.attempt)),
    )


def drop(job: Job, _: s.Vanish, __: datetime) -> Decision:
    """Remove what is stored: nobody works on it."""
    return Decision(status=job.status, actions=(a.ForgetResult(attempts=job.attempt),) if job.attempt else ())


def _write(job: Job, status: FractalJobStatus, *then: a.Action) -> Decision:
    """This status; nothing at all when it is the one that stands."""
    if status == job.status:
        return Decision(status=status)
    return Decision(status=status, actions=(a.WriteStatus(status=status), *then))


def _give_up(job: Job, reason: JobReason, message: str, now: datetime, **fields: object) -> Decision:
    status = statuses.failed(job, reason, message, now, **fields)
    return _write(job, status, *_cancel(job, message), tell_failed(status))


def _fail_again(job: Job, failure: Failure, now: datetime) -> Decision:
    count = job.status.failures + 1
    limit = job.spec.execution.backoff_limit if job.spec else 0
    what = f"attempt {job.attempt} on world {job.world} failed: {failure.message}"
    if count > limit:
        message = f"given up after {_times(count, 'failure')} (spec.execution.backoffLimit is {limit}); {what}"
        return _give_up(job, JobReason.BACKOFF_LIMIT_EXCEEDED, message, now, failures=count)
    message = f"{what}; tried again after {pause_after(count).total_seconds():.0f} s"
    status = statuses.waiting(job, failure.reason, message, now)
    return _write(job, status.model_copy(update={"failures": count, "failed_on": job.world}))


def _interrupt(job: Job, failure: Failure, now: datetime) -> Decision:
    count = job.status.interruptions + 1
    what = f"attempt {job.attempt} on world {job.world} was interrupted: {failure.message}"
    if count > MAX_INTERRUPTIONS:
        message = f"given up after {_times(count, 'interruption')}; {what}"
        return _give_up(job, JobReason.INTERRUPTION_LIMIT_EXCEEDED, message, now, interruptions=count)
    status = statuses.waiting(job, failure.reason, what, now)
    return _write(job, status.model_copy(update={"interruptions": count}))


def _cancel(job: Job, message: str) -> tuple[a.Action, ...]:
    """Take the run back from the world that has it, if one has."""
    assigned = job.condition(JobCondition.ASSIGNED)
    if not job.world or assigned is None or assigned.status != "True":
        return ()
    return (a.CancelRun(world=job.world, run=job.run, message=message),)


def _times(count: int, what: str) -> str:
    return f"{count} {what}" + ("s" if count > 1 else "")

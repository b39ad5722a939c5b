"""A job's state in words, for the bar, for plain lines, and for the end."""

from datetime import timedelta

from fractal_api.conditions import JobCondition
from fractal_api.jobs import JobPhase
from fractal_operator.cli.problems import JobFailed
from fractal_operator.core.job_view import JobView


def state(job: JobView) -> str:
    """What the job does, or waits for; without figures."""
    assigned = job.condition(JobCondition.ASSIGNED)
    match job.status.phase:
        case JobPhase.RUNNING:
            return f"on {job.world}"
        case JobPhase.ASSIGNED:
            return f"given to {job.world}"
        case JobPhase.SUSPENDED:
            return "suspended"
        case JobPhase.COMPLETE:
            return "complete"
        case JobPhase.FAILED:
            return "failed"
        case _:
            return f"waits: {assigned.message}" if assigned is not None and assigned.message else "waits for a world"


def figures(job: JobView) -> str:
    """How far it is, in words; empty when nothing is known."""
    progress = job.status.progress
    if progress is None or progress.tiles_total == 0:
        return ""
    parts = [f"{progress.tiles_done:,}/{progress.tiles_total:,} tiles"]
    if progress.eta_seconds is not None and job.end is None:
        parts.append(f"{timedelta(seconds=progress.eta_seconds)} left")
    return ", ".join(parts)


def conclusion(job: JobView) -> str:
    """The last words about a job that completed."""
    result = job.status.result
    if result is None:
        return f"fractaljob/{job.name} complete"
    iterations = f", {result.max_iterations:,} iterations" if result.max_iterations else ""
    return (
        f"fractaljob/{job.name} complete: {result.width}×{result.height}{iterations}, {result.seconds:.1f} s, "
        f"sha256 of pixels {result.pixels_sha256}"
    )


def failure(job: JobView) -> JobFailed:
    """Why the job failed."""
    failed = job.condition(JobCondition.FAILED)
    why = (failed.message or failed.reason) if failed is not None else ""
    return JobFailed(f"FractalJob {job.place} failed: {why or 'no reason was given'}")

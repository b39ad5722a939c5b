"""How far a job is: its status says it every few seconds, the store's live figures say it sooner."""

from math import ceil
from typing import Any

from fractal_api.jobs import Progress
from fractal_operator.adapters.live import LiveFigures
from fractal_operator.core.job_view import JobView
from fractal_operator.core.names import Object


def latest(job: JobView, live: LiveFigures | None) -> Progress | None:
    """The fresher of what the status and the live figures say.

    Live figures count while their run is the job's current one and the job hasn't ended. Neither goes backwards within
    a run, so one that is further in every respect is the fresher; where they differ both ways, live figures are better.
    """
    said = job.status.progress
    if live is None or live.run != job.run or job.end is not None:
        return said
    percent = min(int(live.percent), 100)
    if said is not None and said.tiles_done >= live.tiles_done and said.percent > percent:
        return said
    return Progress(
        percent=percent,
        tilesDone=live.tiles_done,
        tilesTotal=live.tiles_total,
        etaSeconds=None if live.eta_s is None else ceil(live.eta_s),
    )


def progress_json(progress: Progress | None) -> dict[str, Any] | None:
    """The progress as a FractalJob's status has it."""
    return None if progress is None else progress.model_dump(mode="json", by_alias=True, exclude_none=True)


def manifest_with(job: JobView, progress: Progress | None) -> Object:
    """The job's manifest with that progress, without the notes of who wrote which field."""
    metadata = {name: value for name, value in job.manifest["metadata"].items() if name != "managedFields"}
    manifest = {**job.manifest, "metadata": metadata}
    if progress is not None:
        manifest["status"] = {**manifest.get("status", {}), "progress": progress_json(progress)}
    return manifest

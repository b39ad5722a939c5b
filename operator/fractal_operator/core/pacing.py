"""How often progress is worth a write: seldom, since live figures come from the store."""

from typing import Final

from fractal_api.events import Progress as ProgressLine
from fractal_api.jobs import Progress

STEP_PERCENT: Final = 5


def worth_writing(before: Progress | None, after: Progress) -> bool:
    """Whether the step since what is written is large enough; it never goes backwards."""
    return before is None or after.percent - before.percent >= STEP_PERCENT


def progress_of(line: ProgressLine) -> Progress:
    """Progress as an event line tells of it."""
    return Progress(
        percent=min(100, line.percent),
        tilesDone=line.tiles_done,
        tilesTotal=line.tiles_total,
        etaSeconds=None if line.eta_seconds is None else round(line.eta_seconds),
    )


def progress_by_tiles(done: int, total: int) -> Progress:
    """Progress as the agent tells of it, which counts tiles only."""
    return Progress(percent=100 * done // total if total else 0, tilesDone=done, tilesTotal=total)

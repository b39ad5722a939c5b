"""What `fractal watch` shows: a bar on a terminal, elsewhere a line for each step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from fractal_operator.cli.sentences import figures, state
from fractal_operator.core.job_view import JobView

STEP_PERCENT: Final = 10
STEP_S: Final = 10.0
BAR: Final = 20


@contextmanager
def display(title: str) -> Iterator[Callable[[JobView], None]]:
    """What to call with each state of the job, for as long as the context lasts. It goes to standard error."""
    if sys.stderr.isatty():
        with _bar(title) as show:
            yield show
    else:
        yield Lines(title, lambda line: print(line, file=sys.stderr, flush=True))


class Lines:
    """Writes a line when the state changes, and now and then while it doesn't."""

    def __init__(self, title: str, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._write = write
        self._clock = clock
        self._state = ""
        self._percent = 0
        self._at = float("-inf")

    def __call__(self, job: JobView) -> None:
        """Show the job."""
        if job.end is not None:
            return  # the command itself has the last word
        percent = job.status.progress.percent if job.status.progress else 0
        said = state(job)
        far = percent >= self._percent + STEP_PERCENT
        late = percent != self._percent and self._clock() >= self._at + STEP_S
        if said == self._state and not far and not late:
            return
        how_far = f", {percent} %, {figures(job)}" if figures(job) else ""
        self._state, self._percent, self._at = said, percent, self._clock()
        self._write(f"{self._title}: {said}{how_far}")


@contextmanager
def _bar(title: str) -> Iterator[Callable[[JobView], None]]:
    from rich import console, progress, table  # noqa: PLC0415 - rich costs 0.1 s, which a script needn't spend

    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=BAR, table_column=table.Column(min_width=BAR)),
        progress.TextColumn("{task.percentage:>3.0f}%", markup=False),
        # on a narrow terminal the end of the words goes, not the bar
        progress.TextColumn("{task.fields[words]}", markup=False, table_column=table.Column(no_wrap=True)),
    )
    with progress.Progress(*columns, console=console.Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=100, words="")

        def show(job: JobView) -> None:
            known = job.status.progress
            words = ", ".join(filter(None, (figures(job), state(job))))
            bar.update(task, completed=known.percent if known else 0, words=words)

        yield show

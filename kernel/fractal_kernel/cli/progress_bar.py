"""A progress bar on standard error, where that is a terminal; elsewhere nothing."""

import sys
from contextlib import contextmanager
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fractal_kernel.work import Progress

FULL: Final = 1000
UNITS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@contextmanager
def progress_bar(title: str) -> "Iterator[Callable[[Progress], None]]":
    """What to call with each Progress while the context lasts; the bar vanishes with it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import console  # noqa: PLC0415 - rich costs 0.1 s, which a script needn't spend
    from rich import progress as rich  # noqa: PLC0415 - as above

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.TaskProgressColumn(),
        rich.TextColumn("{task.fields[words]}", markup=False),
    )
    with rich.Progress(*columns, console=console.Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=FULL, words="")
        yield lambda progress: bar.update(task, completed=FULL * progress.share, words=words(progress))


def words(progress: "Progress") -> str:
    """What stands beside the bar: stage, rate, and the time left once it is known."""
    parts = [progress.stage]
    if progress.iterations:
        parts.append(f"{_short(progress.rate)} iterations/s")
    if progress.eta_s is not None:
        parts.append(f"{timedelta(seconds=ceil(progress.eta_s))} left")
    return ", ".join(parts)


def _short(number: float) -> str:
    """A number with three digits and the letter of its power of ten."""
    for unit, letter in UNITS:
        if number >= unit:
            return f"{number / unit:.3g} {letter}"
    return f"{number:.0f}"

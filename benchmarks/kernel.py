"""How fast the loops are on each core, beside what the processor could do at best.

    python -m benchmarks.kernel

As many processes as there are processors do the same at once, as ranks would. An iteration is three fused multiply-adds
and an addition: the limit is the multiply-adds a second, measured around every picture, over 3, or over 4 where
additions take the same ports. Iterations are those of the picture, n of each sample or its limit: what a loop does
beyond an escape and takes back is not counted. Times are of a thread on its processor, medians. Takes five minutes.
"""

import dataclasses
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from benchmarks.figures import Figure, report
from benchmarks.fma_limit import LANES, Loops
from fractal_api.tiling import Rect, band_count, band_rows
from fractal_kernel import coarse
from fractal_kernel.definition import Frame, GridDefinition, LegacyDefinition
from fractal_kernel.escape import legacy
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.grid import Grid, Shortcuts
from fractal_kernel.escape.instructions import Instructions, available, instruction_set
from fractal_kernel.image import png

T = TypeVar("T")

VIEWS: Final = json.loads((Path(__file__).parents[1] / "tests" / "data" / "views.json").read_text())
RANKS: Final = len(os.sched_getaffinity(0))
REPEATS: Final = 5
MOST_REPEATS: Final = 21
LASTING_S: Final = 1.0
"""What is repeated until it took as long, or MOST_REPEATS times: short work is disturbed more easily."""

FULL_HD: Final = (1920, 1080)
SMALL: Final = (480, 270)

SHARES: Final = {"interior": 0.80, "seahorse": 0.80, "full": 0.50}
"""Of the limit, at least, with AVX2 and without shortcuts."""

SHORTER: Final = {"seahorse": 1 / 4, "interior": 1 / 100}
"""Of the time without shortcuts, at most, with them."""

STEPPED: Final = {"interior": 2_000}
"""Iterations where each is done."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a picture took: seconds, iterations a second, and their share of the limit measured around it."""

    seconds: float
    rate: float
    share: float


def main() -> int:
    """Print the figures; 0 when every bound is kept."""
    with ProcessPoolExecutor(RANKS) as ranks:
        return report(figures(ranks))


def figures(ranks: ProcessPoolExecutor) -> Iterator[Figure]:
    """The limits, then each view for each instruction set, then all the rest."""
    for instructions in filter(LANES.__contains__, available()):
        limits = together(ranks, partial(measured_limits, instructions))
        rate = statistics.mean(alone for alone, _ in limits)
        yield Figure(name=f"{instructions}, {RANKS} at once: multiply-adds", value=rate / 1e9, unit="G/s")
        divisor = statistics.mode(operations for _, operations in limits)
        yield Figure(name=f"{instructions}: of which an iteration takes", value=divisor, unit="")
    for name in VIEWS:
        if name != "about":
            yield from view_figures(ranks, name)
    yield from legacy_figures(ranks)
    yield from picture_figures(ranks)


def view_figures(ranks: ProcessPoolExecutor, name: str) -> Iterator[Figure]:
    """A view with each instruction set, without shortcuts and with them."""
    for instructions in filter(LANES.__contains__, available()):
        picture = view(name, FULL_HD, STEPPED.get(name))
        pace = mean(together(ranks, partial(grid_pace, picture, instructions, Shortcuts.NONE)))
        bound = SHARES.get(name) if instructions is Instructions.AVX2 else None
        yield from pace_figures(f"{name}, {instructions}, every step", pace, bound)
        small = view(name, SMALL)
        stepped, short = (
            mean(together(ranks, partial(grid_pace, small, instructions, shortcuts)))
            for shortcuts in (Shortcuts.NONE, Shortcuts.ALL)
        )
        yield from pace_figures(f"{name}, {instructions}, shortcuts", short, None)
        yield Figure(
            name=f"{name}, {instructions}, shortcuts: time over that of every step",
            value=short.seconds / stepped.seconds,
            unit="",
            bound=SHORTER.get(name),
        )
    first = available()[0]
    if first.calls_libm:
        pace = grid_pace(view(name, (48, 27), 1000), first, Shortcuts.NONE)
        yield Figure(name=f"{name}, {first} with the C library's fma", value=pace.rate / 1e9, unit="Gi/s")


def legacy_figures(ranks: ProcessPoolExecutor) -> Iterator[Figure]:
    """Legacy beside Grid, where each does what it does and no picture depends on it."""
    for instructions in available():
        if instructions in LANES:
            seahorse = view("seahorse", SMALL)
            grid = mean(together(ranks, partial(grid_pace, seahorse, instructions, Shortcuts.REPEATS)))
            old = mean(together(ranks, partial(legacy_pace, seahorse, instructions)))
            yield Figure(name=f"Legacy, seahorse, {instructions}", value=old.rate / 1e9, unit="Gi/s")
            yield Figure(
                name=f"Legacy over Grid, seahorse, {instructions}",
                value=old.rate / grid.rate,
                unit="",
                bound=0.5,
                at_least=True,
            )


def picture_figures(ranks: ProcessPoolExecutor) -> Iterator[Figure]:
    """What a pixel costs beside its iterations: colours, the filter, deflating; and the coarse pass."""
    colors, encoding = zip(*together(ranks, pixel_costs), strict=True)
    color_ns, encoding_ns = statistics.mean(colors), statistics.mean(encoding)
    yield Figure(name="full: colours", value=color_ns, unit="ns/px")
    yield Figure(name="full: PNG bands", value=encoding_ns, unit="ns/px")
    yield Figure(name="full: both", value=color_ns + encoding_ns, unit="ns/px", bound=30)
    for name in SHARES:
        picture = dataclasses.replace(view(name, FULL_HD), max_iterations=None)
        seconds = median_s(partial(coarse.survey, picture, Control()))
        yield Figure(name=f"{name}, 1920×1080, auto: coarse pass", value=seconds * 1e3, unit="ms")


def pace_figures(what: str, pace: Pace, share: float | None) -> Iterator[Figure]:
    """The three figures of a pace."""
    yield Figure(name=f"{what}: time", value=pace.seconds, unit="s")
    yield Figure(name=f"{what}: rate of a core", value=pace.rate / 1e9, unit="Gi/s")
    yield Figure(name=f"{what}: share of the limit", value=pace.share, unit="", bound=share, at_least=True)


def together(ranks: ProcessPoolExecutor, work: Callable[[], T]) -> list[T]:
    """What every rank measures while all of them do the same."""
    return [future.result() for future in [ranks.submit(work) for _ in range(RANKS)]]


def mean(paces: list[Pace]) -> Pace:
    """That of all ranks."""
    return Pace(
        seconds=statistics.mean(pace.seconds for pace in paces),
        rate=statistics.mean(pace.rate for pace in paces),
        share=statistics.mean(pace.share for pace in paces),
    )


def measured_limits(instructions: Instructions) -> tuple[float, int]:
    """Lanes of multiply-adds a second, and how many of them an iteration takes: medians."""
    loops = Loops()
    limits = [loops.limit(instructions) for _ in range(4 * REPEATS)]
    return statistics.median(limit.alone for limit in limits), statistics.mode(limit.operations for limit in limits)


def grid_pace(picture: GridDefinition, instructions: Instructions, shortcuts: Shortcuts) -> Pace:
    """The counts of a picture, by this process."""
    grid, rect = Grid(picture, instructions, shortcuts), whole(picture.frame)
    return paced(lambda control: grid.counts(rect, control), instructions)


def legacy_pace(picture: GridDefinition, instructions: Instructions) -> Pace:
    """The counts of the Legacy picture of the same view, by this process."""
    definition = LegacyDefinition(
        frame=picture.frame,
        julia=False,
        julia_re=0.0,
        julia_im=0.0,
        center_re=picture.center_re,
        center_im=picture.center_im,
        zoom=picture.zoom,
        max_iterations=picture.max_iterations or 1,
        color_mode=0,
    )
    rect = whole(picture.frame)
    return paced(lambda control: legacy.counts(definition, rect, control, instructions), instructions)


def _is_enough(seconds: list[float]) -> bool:
    return len(seconds) >= MOST_REPEATS or (len(seconds) >= REPEATS and sum(seconds) >= LASTING_S)


def paced(work: Callable[[Control], object], instructions: Instructions) -> Pace:
    """Some work beside the limit, which is measured before and after each time; medians."""
    loops = Loops() if instructions in LANES else None
    paces: list[Pace] = []
    while not _is_enough([pace.seconds for pace in paces]):
        before = loops.limit(instructions) if loops else None
        control, began = Control(), time.thread_time()
        work(control)
        seconds = time.thread_time() - began
        after = loops.limit(instructions) if loops else None
        rate = control.iterations / seconds
        limit = (before.iterations + after.iterations) / 2 if before and after else rate
        paces.append(Pace(seconds=seconds, rate=rate, share=rate / limit))
    return Pace(
        seconds=statistics.median(pace.seconds for pace in paces),
        rate=statistics.median(pace.rate for pace in paces),
        share=statistics.median(pace.share for pace in paces),
    )


def pixel_costs() -> tuple[float, float]:
    """What the colours of `full`, and its PNG bands, take of this process: ns a pixel."""
    picture = view("full", FULL_HD)
    rect, grid = whole(picture.frame), Grid(picture, instruction_set())
    [rgb] = grid.render([rect], Control())
    counting_s = median_s(lambda: grid.counts(rect, Control()))
    rendering_s = median_s(lambda: grid.render([rect], Control()))
    bands = [np.ascontiguousarray(rgb[rows.start : rows.stop]) for rows in all_bands(picture.frame)]
    encoding_s = median_s(lambda: [png.encode_band(band) for band in bands])
    return (rendering_s - counting_s) / rect.pixels * 1e9, encoding_s / rect.pixels * 1e9


def all_bands(frame: Frame) -> Iterator[range]:
    """The rows of each band."""
    return (band_rows(number, frame.height) for number in range(band_count(frame.height)))


def median_s(work: Callable[[], object]) -> float:
    """What this thread spends on some work."""
    times = []
    for _ in range(REPEATS):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return statistics.median(times)


def view(name: str, size: tuple[int, int], max_iterations: int | None = None) -> GridDefinition:
    """A known view with one sample a pixel."""
    known = VIEWS[name]
    return GridDefinition(
        frame=Frame(width=size[0], height=size[1], side=1, block_size=64),
        julia=False,
        julia_re=0.0,
        julia_im=0.0,
        center_re=float(known["re"]),
        center_im=float(known["im"]),
        zoom=float(known["zoom"]),
        matrix=None,
        max_iterations=max_iterations or known["max_iterations"],
        palette="ember",
        colors=(),
        inside="#000000",
        offset=0.0,
        scale=1.0,
    )


def whole(frame: Frame) -> Rect:
    """The rectangle of all pixels."""
    return Rect(0, 0, frame.width, frame.height)


if __name__ == "__main__":
    raise SystemExit(main())

"""How fast the Grid loops are on one core, beside what the processor could do at best.

    python -m benchmarks.kernel

An iteration is five fused multiply-adds and products, of which two wait for each other. The latency limit is that of
one sample at a time, the throughput limit that of any number of them; both are measured in the same run. Times are of
this thread on the processor, so that other programs count little. Takes about two minutes.
"""

import ctypes
import dataclasses
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, report
from fractal_api.tiling import Rect
from fractal_kernel import coarse
from fractal_kernel.definition import Frame, GridDefinition
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.grid import Grid
from fractal_kernel.escape.instructions import Instructions, built, instruction_set

HERE: Final = Path(__file__).parent
VIEWS: Final = json.loads((HERE.parent / "tests" / "data" / "views.json").read_text())

PRODUCTS: Final = 5
"""Fused multiply-adds and products of an iteration, |z|² included."""

IN_A_ROW: Final = 2
"""Of those, the ones that an iteration must wait for: c − y², then x² + that."""

REPEATS: Final = 3

SIZES: Final = {"full": (1920, 1080), "seahorse": (480, 270), "interior": (1920, 1080)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The least time of an iteration, ns: for one sample at a time, and for many."""

    latency_ns: float
    throughput_ns: float


def main() -> int:
    """Print the figures; 0."""
    return report(figures())


def figures() -> Iterator[Figure]:
    """The limits, then each view for each instruction set."""
    limits = measured_limits()
    yield Figure(name="one fma after another: an iteration of one sample", value=limits.latency_ns, unit="ns")
    yield Figure(name="as many fma as fit: an iteration of many samples", value=limits.throughput_ns, unit="ns")
    for name, size in SIZES.items():
        yield from view_figures(name, view(name, size), instruction_set(), limits)
    small = view("seahorse", (96, 54))
    if instruction_set() is not built()[0]:
        yield from view_figures("seahorse", small, built()[0], limits)
    far = dataclasses.replace(view("full", (1920, 1080)), zoom=0.001)
    seconds, _ = rendered(far, instruction_set())
    yield Figure(name="a sample that escapes at n = 2, with its colour", value=seconds / pixels(far) * 1e9, unit="ns")
    for name in SIZES:
        yield coarse_figure(name)


def view_figures(name: str, picture: GridDefinition, instructions: Instructions, limits: Limits) -> Iterator[Figure]:
    """What rendering a view takes."""
    seconds, iterations = rendered(picture, instructions)
    each = seconds / iterations * 1e9
    what = f"{name}, {picture.frame.width}×{picture.frame.height}, {instructions}"
    yield Figure(name=f"{what}: rate", value=pixels(picture) / seconds / 1e6, unit="Mpx/s")
    yield Figure(name=f"{what}: an iteration", value=each, unit="ns")
    yield Figure(name=f"{what}: one sample's latency over that", value=limits.latency_ns / each, unit="")
    yield Figure(name=f"{what}: share of the throughput limit", value=100 * limits.throughput_ns / each, unit="%")


def coarse_figure(name: str) -> Figure:
    """What the coarse pass of a view takes before a picture of it begins."""
    picture = dataclasses.replace(view(name, (1920, 1080)), max_iterations=None)
    seconds = best(lambda: coarse.survey(picture, Control()))
    return Figure(name=f"{name}, 1920×1080, auto: coarse pass", value=seconds * 1e3, unit="ms")


def view(name: str, size: tuple[int, int]) -> GridDefinition:
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
        max_iterations=known["max_iterations"],
        palette="ember",
        colors=(),
        inside="#000000",
        offset=0.0,
        scale=1.0,
    )


def pixels(picture: GridDefinition) -> int:
    """The pixels of a picture."""
    return picture.frame.width * picture.frame.height


def rendered(picture: GridDefinition, instructions: Instructions) -> tuple[float, int]:
    """The seconds that a picture takes at best, and its iterations."""
    grid, control = Grid(picture, instructions), Control()
    rect = Rect(0, 0, picture.frame.width, picture.frame.height)
    seconds = best(lambda: grid.render([rect], control))
    return seconds, control.iterations // REPEATS


def best(work: Callable[[], object]) -> float:
    """The least of three times, s, that this thread spends on the processor for some work."""
    times = []
    for _ in range(REPEATS):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


def measured_limits() -> Limits:
    """The limits of this processor, by two loops of C that do nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "fma_limit.so"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(HERE / "fma_limit.c")]
        subprocess.run(command, check=True)
        loops = ctypes.CDLL(str(library))
    for loop in (loops.chain, loops.chains):
        loop.argtypes, loop.restype = [ctypes.c_int64], ctypes.c_double
    count = 50_000_000
    latency = best(lambda: loops.chain(count)) / count
    throughput = best(lambda: loops.chains(count // 10)) / count
    return Limits(latency_ns=IN_A_ROW * latency * 1e9, throughput_ns=PRODUCTS * throughput * 1e9)


if __name__ == "__main__":
    raise SystemExit(main())

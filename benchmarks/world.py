"""What an MPI world costs: work done for the time used, waiting, starting, cancelling, idling, memory.

    python -m benchmarks.world

Each figure is printed beside the bound that it must keep; the exit code says whether all did. It takes a minute, and
means something only on a machine that does nothing else.
"""

import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.views import ENDLESS, legacy, seahorse
from tests.support.worlds import World

from benchmarks.figures import Figure, report
from fractal_kernel import wire
from fractal_kernel.world.launch import find_mpirun

PICTURE: Final = seahorse(6400, 4800, max_iterations=20_000)
"""Some seconds of one core: cheap and dear tiles, a quarter of them inside."""

SMALL: Final = legacy(1024, 1024)
"""Little work, on all ranks."""

REPEATS: Final = 5
STARTS: Final = 15
IDLE_S: Final = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """One run of PICTURE: iterations, CPU-seconds of all ranks, and the share of their time without a batch."""

    iterations: int
    cpu_s: float
    waiting: float


def cpu_s(pids: Sequence[int]) -> float:
    """What processes have used of a core, all their threads together."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def rss_mib(pid: int) -> float:
    """The resident memory of a process."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def render(world: World) -> Rendering:
    """Renders PICTURE once."""
    world.messages.clear()
    before = cpu_s(world.ready.pids)
    world.send(wire.Run(run="picture-1", definition=PICTURE))
    world.expect(wire.Surveyed)
    surveyed = time.perf_counter()
    world.expect(wire.Rendered, 600)
    rank_s = world.ranks * (time.perf_counter() - surveyed)
    batches = [message for message in world.messages if isinstance(message, wire.Tiles)]
    return Rendering(
        iterations=sum(batch.iterations for batch in batches),
        cpu_s=cpu_s(world.ready.pids) - before,
        waiting=1 - sum(batch.seconds for batch in batches) / rank_s,
    )


def rate(runs: Iterable[Rendering]) -> float:
    """The median of the iterations a rank CPU-second."""
    return statistics.median(run.iterations / run.cpu_s for run in runs)


def measure_work() -> list[Figure]:
    """The same picture by one rank, by two, and by two worlds of one rank side by side, in turns.

    Two busy cores are slower than one, with or without MPI: the last shows by how much on this machine.
    """
    with World(1) as one, World(1) as other, World(2) as two, ThreadPoolExecutor() as threads:
        render(one), render(other), render(two)
        rounds = [(render(one), render(two), *threads.map(render, (one, other))) for _ in range(REPEATS)]
    alone, both, *apart = zip(*rounds, strict=True)
    beside = rate(run for runs in apart for run in runs)
    waiting = statistics.median(run.waiting for run in both)
    return [
        Figure(
            name="work for the time used, 2 ranks against 1",
            value=rate(both) / rate(alone),
            unit="",
            bound=0.97,
            at_least=True,
        ),
        Figure(name="the same of two worlds side by side, the machine's part", value=beside / rate(alone), unit=""),
        Figure(name="2 ranks against two worlds side by side", value=rate(both) / beside, unit=""),
        Figure(name="time without a batch, 2 ranks", value=100 * waiting, unit="%", bound=3.0),
    ]


def start_ms(world: World) -> tuple[float, float]:
    """From putting a run until rank 0 has begun with it, and until every rank is rendering a batch of it."""
    world.messages.clear()
    put = time.perf_counter()
    world.send(wire.Run(run="small-1", definition=SMALL))
    world.expect(wire.Started)
    started = time.perf_counter() - put
    begun: dict[int, float] = {}
    while len(begun) < world.ranks:
        batch = world.expect(wire.Tiles)
        arrived = time.perf_counter() - put
        begun.setdefault(batch.rank, arrived - batch.seconds)
    world.expect(wire.Rendered)
    return 1e3 * started, 1e3 * max(begun.values())


def cancel_ms(world: World) -> float:
    """From cancelling a run in the midst of its tiles until no rank works on it."""
    world.messages.clear()
    world.send(wire.Run(run="endless-1", definition=ENDLESS))
    world.expect(wire.Tiles)
    began = time.perf_counter()
    world.send(wire.Cancel(run="endless-1"))
    world.expect(wire.Cancelled)
    return 1e3 * (time.perf_counter() - began)


def idle_percent(world: World) -> float:
    """What a world without a run uses of one core."""
    before, began = cpu_s(world.ready.pids), time.perf_counter()
    time.sleep(IDLE_S)
    return 100 * (cpu_s(world.ready.pids) - before) / (time.perf_counter() - began)


def measure_warm_world() -> list[Figure]:
    """A world of four ranks between, at the beginning and at the end of runs."""
    with World(4) as world:
        start_ms(world)
        starts = [start_ms(world) for _ in range(STARTS)]
        cancels = [cancel_ms(world) for _ in range(STARTS)]
        idle = idle_percent(world)
        memory = max(rss_mib(pid) for pid in world.ready.pids)
    started, rendering = (statistics.median(times) for times in zip(*starts, strict=True))
    return [
        Figure(name="a run put to 4 warm ranks: begun by rank 0", value=started, unit="ms", bound=30.0),
        Figure(name="a run put to 4 warm ranks: all of them rendering", value=rendering, unit="ms", bound=30.0),
        Figure(name="a run cancelled: all 4 ranks idle", value=statistics.median(cancels), unit="ms", bound=200.0),
        Figure(name="4 idle ranks together, of a core", value=idle, unit="%", bound=3.0),
        Figure(name="the largest of 4 ranks after runs", value=memory, unit="MiB", bound=60.0),
    ]


def figures() -> Iterator[Figure]:
    """Everything, as it is measured."""
    mpirun = find_mpirun()
    yield Figure(name="Open MPI, major version", value=mpirun.major if mpirun else 0, unit="")
    yield from measure_work()
    yield from measure_warm_world()


if __name__ == "__main__":
    sys.exit(report(figures()))

"""From a run that is put to a warm world of two ranks, to its PNG in the store: `full` at 1920×1080.

    python -m benchmarks.end_to_end

The iterations' own time is what the counts take of a processor, shared out among the ranks; the bound is one and a
half times that, and 40 ms. The fastest run counts, since other programs only add to it; the median tells how many did,
and what the processes took of processors hardly depends on them.
"""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.support.agent_process import AgentProcess, Place, make_place, remove_place

from benchmarks.figures import Figure, report
from benchmarks.kernel import FULL_HD, view
from fractal_api.events import Completed
from fractal_api.tiling import Rect
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.grid import Grid

RANKS: Final = 2
RUNS: Final = 100
FACTOR: Final = 1.5
BESIDES_MS: Final = 40.0

SPEC: Final[dict[str, Any]] = {
    "fractal": {"center": {"re": "-0.75", "im": "0"}, "zoom": "0.4", "maxIterations": 1000},
    "image": {"width": FULL_HD[0], "height": FULL_HD[1]},
}


def main() -> int:
    """Print the figures; 0 when the bound is kept."""
    return report(figures())


def figures() -> Iterator[Figure]:
    """The iterations' own time, and that of the whole way."""
    place = make_place()
    try:
        with AgentProcess(place, ranks=RANKS, ledger=False) as agent:  # which is for tests
            agent.wait_until_ready()
            run_ms(agent, "first-1")
            own = min(iterations_ms() for _ in range(RUNS))
            before = processor_s(place)
            whole = [run_ms(agent, f"full{number}-1") for number in range(RUNS)]
            spent = {name: (after - before[name]) * 1e3 / RUNS for name, after in processor_s(place).items()}
            agent.stop()
    finally:
        remove_place(place)
    yield Figure(name="full, 1920×1080: the iterations' own time, 2 ranks", value=own, unit="ms")
    bound = FACTOR * own + BESIDES_MS
    yield Figure(name="full, 1920×1080: run put to PNG in the store, 2 ranks", value=min(whole), unit="ms", bound=bound)
    yield Figure(name="the median of them", value=statistics.median(whole), unit="ms")
    for name, spent_ms in spent.items():
        yield Figure(name=f"processor time of a run: {name}", value=spent_ms, unit="ms")


def iterations_ms() -> float:
    """What a rank's share of the picture's iterations takes of its processor, without colours and tiles."""
    grid = Grid(view("full", FULL_HD))
    began = time.thread_time()
    grid.counts(Rect(0, 0, *FULL_HD), Control())
    return (time.thread_time() - began) * 1e3 / RANKS


def processor_s(place: Place) -> dict[str, float]:
    """What the agent, and all ranks together, have taken of processors since they began, in seconds."""
    spent = {"agent": 0.0, "ranks": 0.0}
    for pid in place.processes():
        with suppress(FileNotFoundError):  # it has ended meanwhile
            name = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[2]
            times = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            if who := {"fractal_kernel.agent": "agent", "fractal_kernel.world": "ranks"}.get(name):
                spent[who] += (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def run_ms(agent: AgentProcess, run: str) -> float:
    """What a run takes until the agent says that its picture is in the store; at least BESIDES_MS."""
    began = time.perf_counter()
    agent.put(run, SPEC)
    # Who looks all the time takes what the run could use.
    time.sleep(max(0.0, began + BESIDES_MS / 1e3 - time.perf_counter()))
    while not any(isinstance(event, Completed) and event.run == run for event in agent.news()):
        time.sleep(0.001)
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    raise SystemExit(main())

"""The memory of an agent and of rank 0, at the largest size of picture and tile, with pixels that don't compress."""

from pathlib import Path

import pytest
from support.agent_process import AgentProcess, Place
from support.killing import RUN

LIMIT_MIB = 300
NOISE = {
    "fractal": {
        "type": "Mandelbrot",
        "center": {"re": "-0.743643887037", "im": "0.131825904205"},
        "zoom": "20000",
        "maxIterations": 2000,
    },
    "image": {"width": 8192, "height": 8192, "blockSize": 4096},
    "color": {"scale": 100_000},
}


def peak_mib(pid: int) -> float:
    """The most memory that a process has had (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.mark.soak
def test_memory_is_bounded_at_any_size(place: Place) -> None:
    with AgentProcess(place, ranks=2) as agent:
        agent.put(RUN, NOISE)
        assert agent.wait_for_end(RUN, deadline_s=600)["phase"] == "Complete"
        peaks = {"agent": peak_mib(agent.process.pid), "rank 0": peak_mib(agent.ranks[0])}
        agent.stop()
    told = ", ".join(f"{who} {peak:.0f} MiB" for who, peak in peaks.items())
    print(f"8,192² pixels of noise in tiles of 4,096²: {told}")
    assert max(peaks.values()) <= LIMIT_MIB

"""What a person waits for, and what it takes of the machine: from a clone to the picture, large pictures, PNG.

    python -m benchmarks.picture

Takes about two minutes; the first figure includes downloading the libraries when pip has them in no cache.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from tests.support.checkout import ROOT, clone_into

from benchmarks.figures import Figure, report
from fractal_kernel.image.png import encode_band

LARGE: Final = ((8192, 8192), (65_536, 1024))
"""Pictures that must fit into MEMORY_MIB."""

MEMORY_MIB: Final = 300.0

JOB: Final = """\
apiVersion: clusteredfractals.dev/v1alpha1
kind: FractalJob
metadata: {{name: large}}
spec:
  fractal: {{maxIterations: 100}}
  image: {{width: {width}, height: {height}}}
"""

COMMAND: Final = "import sys; from fractal_kernel.cli.program import main; code = main(); "
PEAK: Final = "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr); sys.exit(code)"


def from_a_clone(folder: Path) -> Figure:
    """The time of the README's first two commands."""
    clone = clone_into(folder / "clone")
    clean = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    start = time.monotonic()
    for command in (["make", "install"], [".venv/bin/fractal", "render", "examples/seahorse.yaml"]):
        subprocess.run(command, cwd=clone, env=clean, check=True, stdout=subprocess.DEVNULL)
    return Figure(name="from a clone to seahorse.png", value=time.monotonic() - start, unit="s", bound=120.0)


def large(folder: Path, width: int, height: int) -> Iterator[Figure]:
    """The peak memory and the time of one process that renders a large picture."""
    job = folder / "large.yaml"
    job.write_text(JOB.format(width=width, height=height))
    order = ["render", str(job), "-o", str(folder / "large.png"), "--threads", "2"]
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND + PEAK, *order], check=True, capture_output=True, text=True, cwd=folder
    )
    took_s = time.monotonic() - start
    name = f"{width}×{height} in one process"
    yield Figure(name=f"{name}: peak memory", value=int(done.stderr.split()[-1]) / 1024, unit="MiB", bound=MEMORY_MIB)
    yield Figure(name=f"{name}: time", value=took_s, unit="s")


def deflating() -> Figure:
    """How fast PNG bands are filtered and deflated, by one thread."""
    with Image.open(ROOT / "docs/images/seahorse.png") as opened:
        pixels = np.asarray(opened.convert("RGB"))
    bands = [pixels[row : row + 64] for row in range(0, pixels.shape[0], 64)]
    repeats = 40
    start = time.thread_time()
    for _ in range(repeats):
        for band in bands:
            encode_band(band)
    rate = repeats * pixels.nbytes / (time.thread_time() - start) / 1e6
    return Figure(name="PNG bands filtered and deflated, one thread", value=rate, unit="MB/s")


def figures() -> Iterator[Figure]:
    """All of them, cheapest first."""
    yield deflating()
    with tempfile.TemporaryDirectory(prefix="fractal-benchmark-") as name:
        for width, height in LARGE:
            yield from large(Path(name), width, height)
        yield from_a_clone(Path(name))


if __name__ == "__main__":
    sys.exit(report(figures()))

"""What one look at the mailbox finds; real worlds prove all else."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from mpi4py import MPI
from fractal_kernel.world.bells import Bells
from fractal_kernel.world.exchange import Exchange

exchange = Exchange(MPI.COMM_SELF, Bells())
exchange.send(0, "with data", (b"one", b"", b"three"))
exchange.send(0, "without")
for parcel in exchange.receive():
    print(parcel.source, parcel.message, [bytes(part) for part in parcel.data])
"""


def test_one_look_finds_a_parcel_that_has_arrived_with_its_data(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # where a rank that no mpirun started leaves its files
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.splitlines() == ["0 without []", "0 with data [b'one', b'', b'three']"]

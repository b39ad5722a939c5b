"""What the processor could do at best: its fused multiply-adds a second, by two loops that do nothing else."""

import ctypes
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fractal_kernel.escape.instructions import Instructions

SOURCE: Final = Path(__file__).parent / "fma_limit.c"
CHAINS: Final = 12
LANES: Final = {Instructions.AVX2: 4, Instructions.AVX512: 8}
ROUNDS: Final = 400_000

MULTIPLY_ADDS: Final = 3
"""Of an iteration; an addition comes besides."""

OWN_PORTS: Final = 0.9
"""Additions have ports of their own where multiply-adds keep this share of their rate beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Lanes of fused multiply-adds a second, alone, and with an addition to every three."""

    alone: float
    beside_additions: float

    @property
    def operations(self) -> int:
        """What an iteration costs of them: its three multiply-adds, and the addition where that takes their port."""
        return MULTIPLY_ADDS if self.beside_additions > OWN_PORTS * self.alone else MULTIPLY_ADDS + 1

    @property
    def iterations(self) -> float:
        """Iterations a second."""
        return self.alone / self.operations


class Loops:
    """The loops, compiled."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "fma_limit.so"
            subprocess.run(["cc", "-O2", "-w", "-shared", "-fPIC", "-o", str(library), str(SOURCE)], check=True)
            self._library = ctypes.CDLL(str(library))

    def limit(self, instructions: Instructions) -> Limit:
        """What this thread measures now, in some milliseconds."""
        loop = self._library[f"fma_{instructions}"]
        loop.argtypes, loop.restype = [ctypes.c_int64, ctypes.c_int], ctypes.c_double
        rates = []
        for mixed in (0, 1):
            began = time.thread_time()
            loop(ROUNDS, mixed)
            rates.append(ROUNDS * CHAINS * LANES[instructions] / (time.thread_time() - began))
        return Limit(alone=rates[0], beside_additions=rates[1])

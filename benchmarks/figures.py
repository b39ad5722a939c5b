"""How a benchmark speaks: figures beside their bounds, and the machine that they were measured on."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something measured, and the bound it must keep, if there is one: at least or at most that."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the bound is kept."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        line = f"{self.name:64} {self.value:9.3f} {self.unit:6}"
        if self.bound is None:
            return line.rstrip()
        return f"{line} ({'≥' if self.at_least else '≤'} {self.bound:g}){'' if self.kept else '  NOT KEPT'}"


def machine() -> str:
    """The processor, how busy it is, and the libraries, in one line."""
    models = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "mpi4py", "isal"))
    return (
        f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, {libraries}"
    )


def report(figures: Iterable[Figure]) -> int:
    """Print figures as they come; the exit code: 0 when every bound is kept."""
    print(machine())
    kept = True
    for figure in figures:
        print(figure, flush=True)
        kept = kept and figure.kept
    return 0 if kept else 1


def _lines(path: str) -> list[str]:
    """The lines of a file of /proc."""
    return Path(path).read_text().splitlines()

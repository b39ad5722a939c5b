"""`fractal kernel-info`: what renders here, and with what."""

import importlib
import json
import os
import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import click

from fractal_api import PICTURE_VERSION
from fractal_console.invoke import run_click
from fractal_kernel.cli.instructions import SLOW, chosen_instructions
from fractal_kernel.escape.instructions import VARIABLE, available

LIBRARIES: Final = ("numpy", "isal", "mpi4py")

NO_MPI: Final = "no MPI library was found: pictures are rendered in one process"


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelInfo:
    """What renders here; `instructions` is what the loops use, `asked_instructions` whether the environment says so.

    `calls_libm` tells that Grid calls the C library for each fused multiply-add, which is slow. `mpi` is the library's
    own name, `mpirun` its launcher's path, both None if not found.
    """

    version: str
    picture_version: int
    instructions: str
    asked_instructions: bool
    available_instructions: tuple[str, ...]
    calls_libm: bool
    processors: int
    machine: str
    python: str
    compiler: str
    libc: str
    libraries: dict[str, str]
    mpi: str | None
    mpirun: str | None


@click.command(name="kernel-info", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(as_json: bool) -> None:
    """Say what renders here: versions, instruction sets, libraries."""
    info = collect()
    print(json.dumps(asdict(info), indent=2) if as_json else "\n".join(lines(info)))


def main(argv: list[str]) -> int:
    """Say what renders here: versions, instruction sets, libraries."""
    return run_click(command, argv)


def collect() -> KernelInfo:
    """What this process finds."""
    instructions = chosen_instructions()
    return KernelInfo(
        version=_version("clusteredfractals"),
        picture_version=PICTURE_VERSION,
        instructions=instructions,
        asked_instructions=bool(os.environ.get(VARIABLE)),
        available_instructions=available(),
        calls_libm=instructions.calls_libm,
        processors=len(os.sched_getaffinity(0)),
        machine=platform.machine(),
        python=platform.python_version(),
        compiler=platform.python_compiler(),
        libc=" ".join(platform.libc_ver()).strip() or "unknown",
        libraries={name: _version(name) for name in LIBRARIES},
        mpi=_mpi_library(),
        mpirun=shutil.which("mpirun"),
    )


def lines(info: KernelInfo) -> list[str]:
    """The same for people: a table, then a sentence for each thing that is slower or less than it could be."""
    rows = {
        "fractal": f"{info.version} (picture version {info.picture_version})",
        "instructions": _instructions(info),
        "processors": f"{info.processors} ({info.machine})",
        "Python": f"{info.python} ({info.compiler})",
        "C library": info.libc,
        "libraries": ", ".join(f"{name} {number}" for name, number in info.libraries.items()),
        "MPI": info.mpi or "not found",
        "mpirun": info.mpirun or "not found",
    }
    table = [f"{name:13} {value}" for name, value in rows.items()]
    remarks = [SLOW] if info.calls_libm else []
    if info.mpi is None:
        remarks.append(NO_MPI)
    return [*table, *(f"note          {remark}" for remark in remarks)]


def _instructions(info: KernelInfo) -> str:
    """What the loops use, why, and what they could."""
    why = f", as {VARIABLE} says" if info.asked_instructions else ""
    return f"{info.instructions}{why}; the processor has {', '.join(info.available_instructions)}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _mpi_library() -> str | None:
    """The name of the MPI library that mpi4py finds, without starting it."""
    try:
        settings = importlib.import_module("mpi4py").rc
        settings.initialize = settings.finalize = False
        library = importlib.import_module("mpi4py.MPI").Get_library_version()
    except (ImportError, RuntimeError):  # mpi4py raises the latter when it finds no libmpi
        return None
    return str(library).partition(",")[0].strip("\0\n ")

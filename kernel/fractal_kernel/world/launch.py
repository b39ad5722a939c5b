"""How a world is started: the command line and environment of mpirun, for Open MPI 4.1 and 5.

Pure but for `find_mpirun`. Whoever runs the command gives it /dev/null as its standard input, which mpirun would read.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RANK_ENVIRONMENT: Final[Mapping[str, str]] = {
    # A rank has one kernel thread; a pool of BLAS threads would cost memory and do nothing.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # What a large tile took goes back to the system when it is done: a rank stays below 60 MiB between runs.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(8 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 20),
    "PYTHONUNBUFFERED": "1",
}
"""The environment of every rank; each value has its reason beside it."""

_MESSAGES: Final[Mapping[str, str]] = {
    "pml": "ob1",  # no search for InfiniBand and its like, whose absence is reported as a warning
    # How much of a large message moves at each look: 1 MiB. With Open MPI's 3, a tile of 48 MiB takes 1.5 s.
    "pml_ob1_send_pipeline_depth": "32",
}
_EAGER: Final = str(32 << 10)
"""Bytes of a message between ranks of one machine that leaves at once: what a rank found of 4,000 tiles in the coarse
pass. A larger one, from 4 KiB on by default, takes a look of its receiver and then one of its sender, 1 ms altogether.
"""

_FORWARDED: Final = ("FRACTAL_", "PYTHONPATH")  # mpirun passes nothing to other machines by itself
_VERSION: Final = re.compile(r"\(Open MPI\) (\d+)\.(\d+)")
_ALLOW_ROOT: Final = ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mpirun:
    """An mpirun of Open MPI, and the first number of its version."""

    path: Path
    major: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine on which `slots` ranks may run."""

    name: str
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Ranks on several machines, reached by ssh. The first host is this machine: rank 0 needs the agent's socket.

    `interface` is a device ("eth0") or a network ("10.0.0.0/8") that all of MPI's traffic uses.
    """

    hosts: tuple[Host, ...]
    ssh_args: tuple[str, ...] = ()
    interface: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A world to be started.

    `scratch` is a folder, the same on each host, for what Open MPI leaves behind when it is killed (its session and
    shared-memory files); it must exist, on memory, and is the caller's to remove. Without it they lie in /tmp and
    /dev/shm. `remote` is None for a world on this machine alone, which needs neither ssh nor a network.
    """

    ranks: int
    socket: Path
    epoch: int
    scratch: Path | None = None
    remote: Remote | None = None
    python: Path = Path(sys.executable)


def build_command(mpirun: Mpirun, launch: Launch, environment: Mapping[str, str]) -> list[str]:
    """The command that starts a world; `environment` is the caller's own, parts of which go to the ranks."""
    command = [str(mpirun.path), "-np", str(launch.ranks), "--bind-to", "none", "--map-by", "slot:OVERSUBSCRIBE"]
    if launch.remote is not None:
        command += ["--host", ",".join(f"{host.name}:{host.slots}" for host in launch.remote.hosts)]
    settings = _settings_of_4(launch) if mpirun.major < 5 else _settings_of_5(launch)
    for option, name, value in settings:
        command += [option, name, value]
    for name, value in RANK_ENVIRONMENT.items():
        command += ["-x", f"{name}={value}"]
    for name in sorted(name for name in environment if name.startswith(_FORWARDED)):
        command += ["-x", name]
    rank = ["-m", "fractal_kernel.world", "--socket", str(launch.socket), "--epoch", str(launch.epoch)]
    return [*command, str(launch.python), *rank]


def build_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of mpirun itself: the caller's, and leave to run as root, which containers often do."""
    return {**environment, **dict.fromkeys(_ALLOW_ROOT, "1")}


def find_mpirun(environment: Mapping[str, str] | None = None) -> Mpirun | None:
    """The mpirun of Open MPI beside this Python, whose libmpi mpi4py prefers, or else on PATH; None without one."""
    path = (os.environ if environment is None else environment).get("PATH", os.defpath)
    for folder in (str(Path(sys.executable).parent), path):
        found = shutil.which("mpirun", path=folder)
        major = _major_version(found) if found else None
        if found and major:
            return Mpirun(path=Path(found), major=major)
    return None


def parse_version(text: str) -> int | None:
    """The first number of the version that `mpirun --version` tells; None for another MPI, or before 4."""
    match = _VERSION.search(text)
    return int(match[1]) if match and int(match[1]) >= 4 else None


def _major_version(path: str) -> int | None:
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(told.stdout)


def _settings_of_4(launch: Launch) -> Iterator[tuple[str, str, str]]:
    """Open MPI 4.1's parameters, each as option, name and value."""
    remote = launch.remote
    settings = {
        **_MESSAGES,
        "btl": "self,vader" if remote is None else "self,vader,tcp",
        "btl_vader_single_copy_mechanism": "none",  # pods may not read one another's memory
        "btl_vader_eager_limit": _EAGER,
    }
    if remote is None:
        settings |= {
            "plm": "isolated",  # or it ends when there is no ssh
            "oob_tcp_if_include": "127.0.0.0/8",
        }
    else:
        settings |= {
            "orte_keep_fqdn_hostnames": "1",  # or ssh looks for the first part of a pod's name
            "oob_tcp_keepalive_time": "10",
            "oob_tcp_keepalive_intvl": "2",
            "oob_tcp_keepalive_probes": "3",
            "plm_rsh_agent": "ssh",
        }
        settings |= {"plm_rsh_args": " ".join(remote.ssh_args)} if remote.ssh_args else {}
        if remote.interface:
            settings |= {"btl_tcp_if_include": remote.interface, "oob_tcp_if_include": remote.interface}
        if launch.scratch is not None:
            # A daemon of an earlier world that was killed has left its files on the other hosts.
            sweep = shlex.join(["find", str(launch.scratch), "-mindepth", "1", "-delete"])
            settings |= {"orte_launch_agent": f"{sweep} ; orted"}
    if launch.scratch is not None:
        settings |= {"orte_tmpdir_base": str(launch.scratch), "btl_vader_backing_directory": str(launch.scratch)}
    return (("--mca", name, value) for name, value in settings.items())


def _settings_of_5(launch: Launch) -> Iterator[tuple[str, str, str]]:
    """Open MPI 5's parameters; those of its launcher, PRRTE, have an option of their own."""
    remote = launch.remote
    world = {
        **_MESSAGES,
        "btl": "self,sm" if remote is None else "self,sm,tcp",
        "smsc": "^cma,knem,xpmem",  # pods may not read one another's memory
        "btl_sm_eager_limit": _EAGER,
    }
    launcher: dict[str, str] = {}
    if remote is not None:
        launcher |= {
            "prte_keep_fqdn_hostnames": "1",
            "oob_tcp_keepalive_time": "10",
            "oob_tcp_keepalive_intvl": "2",
            "oob_tcp_keepalive_probes": "3",
            "plm_ssh_agent": "ssh",
        }
        launcher |= {"plm_ssh_args": " ".join(remote.ssh_args)} if remote.ssh_args else {}
        if remote.interface:
            world |= {"btl_tcp_if_include": remote.interface}
            launcher |= {"prte_if_include": remote.interface}
    if launch.scratch is not None:
        world |= {"btl_sm_backing_directory": str(launch.scratch)}
        launcher |= {"prte_tmpdir_base": str(launch.scratch)}
    yield from (("--mca", name, value) for name, value in world.items())
    yield from (("--prtemca", name, value) for name, value in launcher.items())

"""Machines switched on and off, and single services of theirs stopped and started."""

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

from cluster_harness import cgroups, network, wait
from cluster_harness.command import SYSTEM_PATH, start
from cluster_harness.errors import ClusterError
from cluster_harness.layout import Machine
from cluster_harness.service import Boot

PACKAGE_PARENT = Path(__file__).parent.parent


def environment() -> dict[str, str]:
    """What the machines' programs see: nothing of the caller's but where programs are."""
    return {"PATH": SYSTEM_PATH, "HOME": "/root", "LANG": "C.UTF-8", "PYTHONPATH": str(PACKAGE_PARENT)}


def switch_on(machine: Machine, boot: Boot) -> None:
    """Start the machine; its services come up by themselves afterwards."""
    shutil.rmtree(machine.held, ignore_errors=True)
    for folder in (machine.held, machine.logs):
        folder.mkdir(parents=True, exist_ok=True)
    file = machine.folder / "boot.json"
    boot.write(file)
    cgroups.create(machine.cgroup)
    separate = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    init = [sys.executable, "-m", "cluster_harness.init", str(file)]
    command = [*cgroups.enter(machine.cgroup), *network.inside(machine), *separate, *init]
    start(command, log=machine.logs / "init.log", environment=environment())


def switch_off(machine: Machine) -> None:
    """Pull the plug: everything that the machine runs ends at once, unasked."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(first_process(machine), signal.SIGKILL)
    cgroups.end(machine.cgroup)


def is_on(machine: Machine) -> bool:
    """Whether the machine's first process lives."""
    return _first_process(machine) is not None


def first_process(machine: Machine) -> int:
    """The machine's process 1, as the host numbers it."""
    pid = _first_process(machine)
    if pid is None:
        raise ClusterError(f"{machine.name} is switched off; `fault repair {machine.name}` switches it on")
    return pid


def hold(machine: Machine, service: str, *, timeout_s: float = 10) -> None:
    """Kill a service of the machine and keep it from starting again."""
    (machine.held / service).touch()
    for pid in _processes(machine, service):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait.until(lambda: not _processes(machine, service), what=f"the end of {service}", timeout_s=timeout_s)


def release(machine: Machine, service: str) -> None:
    """Let a stopped service start again."""
    (machine.held / service).unlink(missing_ok=True)
    os.kill(first_process(machine), signal.SIGHUP)


def held(machine: Machine) -> list[str]:
    """The services of the machine that are kept from starting."""
    return sorted(path.name for path in machine.held.iterdir()) if machine.held.exists() else []


def _first_process(machine: Machine) -> int | None:
    for pid in cgroups.members(machine.cgroup):
        # a pod's first process is number 1 too, but of a namespace two levels down
        if _numbers(pid)[1:] == ["1"]:
            return pid
    return None


def _processes(machine: Machine, service: str) -> list[int]:
    boot = Boot.read(machine.folder / "boot.json")
    command = next((entry.command for entry in boot.services if entry.name == service), None)
    if command is None:
        names = ", ".join(entry.name for entry in boot.services)
        raise ClusterError(f"{machine.name} has no service {service!r}; it has {names}")
    return [pid for pid in cgroups.members(machine.cgroup) if _words(pid) == list(command)]


def _numbers(pid: int) -> list[str]:
    """The process's number in each PID namespace, outermost first."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[1:]
    return []


def _words(pid: int) -> list[str]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    return []

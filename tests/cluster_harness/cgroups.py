"""Control groups (v1): every process of the cluster is in one, so that all can be found and ended.

A machine has the same group in every hierarchy; kubelet makes the groups of its pods below it. Nothing
outside of these groups is ever signalled.
"""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from cluster_harness import wait
from cluster_harness.layout import NAME
from cluster_harness.machine import hierarchies

# The cluster competes as one group with every process of the host. The default weight is that of one process: while a
# world renders, a host's process of 30 ms of work then takes 0.2 to 1.2 s. With twice the weight it took 2 to 3 s, with
# four times 9 s, which is what a person at the keyboard, and a test's kubectl, would wait.
SHARES = 1024
GROUP = f"/{NAME}"


def mounted() -> dict[str, Path]:
    """Where each controller is mounted on this machine."""
    return hierarchies(Path("/proc/mounts").read_text())


def trees() -> set[Path]:
    """Every tree of control groups, a v2 one beside the v1 hierarchies too: runc makes groups in that as well."""
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return {Path(folder) for _, folder, kind, *_ in lines if kind in {"cgroup", "cgroup2"}}


def create(group: str) -> None:
    """Make the group, and those above it, in every hierarchy."""
    parts = group.strip("/").split("/")
    for controller, root in mounted().items():
        for depth in range(1, len(parts) + 1):
            folder = root.joinpath(*parts[:depth])
            folder.mkdir(exist_ok=True)
            if controller == "cpuset":
                _inherit(folder)
    (mounted()["cpu"] / NAME / "cpu.shares").write_text(str(SHARES))


def enter(group: str) -> list[str]:
    """Words to put before a command so that it and its children run in the group."""
    files = [str(root / group.strip("/") / "cgroup.procs") for root in mounted().values()]
    script = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit; shift; done; shift; exec "$@"'
    return ["sh", "-c", script, "enter", *files, "--"]


def members(group: str = GROUP) -> list[int]:
    """The processes in the group and in those below it."""
    found: list[int] = []
    tree = mounted().get("pids")
    for procs in (tree / group.strip("/")).rglob("cgroup.procs") if tree else ():
        with contextlib.suppress(FileNotFoundError, OSError):  # a pod's group may go while we look
            found += [int(line) for line in procs.read_text().split()]
    return found


def end(group: str = GROUP, timeout_s: float = 20) -> None:
    """Kill every process in the group and below; return when none is left."""

    def none_left() -> bool:
        left = members(group)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    wait.until(none_left, what=f"the end of all processes in {group}", timeout_s=timeout_s)


def remove(group: str = GROUP, *, keep: bool = False) -> None:
    """Remove what is below the group, deepest first, in every tree; and the group itself unless `keep`."""
    for root in trees():
        top = root / group.strip("/")
        for folder in _deepest_first(top):
            if not (keep and folder == top):
                folder.rmdir()


def remains(group: str = GROUP) -> Sequence[Path]:
    """The group's folders that exist, one a tree."""
    return [root / group.strip("/") for root in trees() if (root / group.strip("/")).exists()]


def _inherit(folder: Path) -> None:
    """A new cpuset is empty, and then admits no process; kernels don't copy it down by themselves."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        (folder / name).write_text((folder.parent / name).read_text())


def _deepest_first(top: Path) -> Iterator[Path]:
    if top.is_dir():
        for folder in [path for path in top.iterdir() if path.is_dir()]:
            yield from _deepest_first(folder)
        yield top

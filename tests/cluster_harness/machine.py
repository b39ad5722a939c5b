"""Whether this machine can carry the cluster; if not, one sentence that says why and what else to use.

`examine` reads the facts, `objection` judges them: the second can be tested on any machine.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from cluster_harness.command import run

INSTEAD = "use a cluster that you have instead: FRACTAL_CLUSTER=current KUBECONFIG=FILE"
NOT_ROOT = f"the cluster needs root for its network namespaces: run this with sudo, or {INSTEAD}"
# One v1 hierarchy for each: kubelet and runc look for all of them by name.
CONTROLLERS = frozenset({"blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"})
BUILD_BYTES = 6 << 30  # modules 0.7 GB, Go's build cache 3 GB, the binary, images


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What `objection` needs to know of a machine."""

    user_id: int
    distribution: str
    controllers: frozenset[str]
    go_version: tuple[int, ...] | None
    go_needed: tuple[int, ...]
    binary_built: bool
    programs_missing: tuple[str, ...]
    free_bytes: int


def objection(facts: Facts) -> str | None:
    """The first thing that stands in the way, or None."""
    if facts.user_id != 0:
        return NOT_ROOT
    if facts.programs_missing and facts.distribution != "debian":
        names = ", ".join(facts.programs_missing)
        return f"this is not Debian, so {names} can't be installed by themselves: install them, or {INSTEAD}"
    lacking = CONTROLLERS - facts.controllers
    if lacking:
        return (
            f"the cluster is proven on control groups v1, and this machine has no v1 hierarchy for "
            f"{', '.join(sorted(lacking))} (it probably runs cgroup v2): {INSTEAD}"
        )
    if facts.binary_built:
        return None
    return _build_objection(facts)


def _build_objection(facts: Facts) -> str | None:
    needed = f"Go {'.'.join(map(str, facts.go_needed))} or newer"
    if facts.go_version is None:
        return f"building Kubernetes needs {needed}, and there is no `go` on PATH: install it, or {INSTEAD}"
    if facts.go_version < facts.go_needed:
        have = ".".join(map(str, facts.go_version))
        return f"building Kubernetes needs {needed}, and this one is {have}: install a newer one, or {INSTEAD}"
    if facts.free_bytes < BUILD_BYTES:
        free = facts.free_bytes / (1 << 30)
        needed = f"{BUILD_BYTES >> 30} GiB of free disk"
        return f"building Kubernetes needs {needed}, and {free:.1f} are left: free some, or {INSTEAD}"
    return None


def examine(*, go_needed: tuple[int, ...], binary_built: bool, programs_missing: tuple[str, ...], cache: Path) -> Facts:
    """The facts of the machine this runs on."""
    return Facts(
        user_id=os.geteuid(),
        distribution=_distribution(Path("/etc/os-release").read_text()),
        controllers=frozenset(hierarchies(Path("/proc/mounts").read_text())),
        go_version=_go_version(),
        go_needed=go_needed,
        binary_built=binary_built,
        programs_missing=programs_missing,
        free_bytes=shutil.disk_usage(_existing(cache)).free,
    )


def hierarchies(mounts: str) -> dict[str, Path]:
    """Where each cgroup v1 controller is mounted, by its name, from the text of /proc/mounts."""
    found: dict[str, Path] = {}
    for line in mounts.splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup":
            names = [option.removeprefix("name=") for option in options.split(",")]
            found |= {name: Path(folder) for name in names if name in CONTROLLERS | {"systemd"}}
    return found


def _distribution(release: str) -> str:
    found = re.search(r'^ID="?(\w+)"?$', release, re.MULTILINE)
    return found[1] if found else "unknown"


def _go_version() -> tuple[int, ...] | None:
    if shutil.which("go") is None:
        return None
    found = re.search(
        r"go(\d+(?:\.\d+)*)", run(["go", "env", "GOVERSION"], environment={**os.environ, "GOTOOLCHAIN": "local"})
    )
    return tuple(int(part) for part in found[1].split(".")) if found else None


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder

"""What is left of a cluster, found and taken away: after `down`, after a crash, after a reboot.

Nothing is remembered about what was started: every process is in our control groups, every network namespace has our
name, every mount belongs to a process of ours.
"""

import contextlib
import shutil
from pathlib import Path

from cluster_harness import cgroups, network, node
from cluster_harness.layout import MAX_NODES, STATE, Layout, Record

# of a node's folder; the images and the logs stay
PASSING = ("kubelet", "log", "addresses", "containerd-state", "held", "leftovers")


def sweep(state: Path) -> None:
    """Take everything away but images and logs."""
    Record.forget(state)
    cgroups.end()
    network.remove()
    cgroups.remove()
    lives = Layout(node_count=MAX_NODES, state=state)
    for entry in lives.nodes:
        for name in PASSING:
            shutil.rmtree(entry.folder / name, ignore_errors=True)
    for folder in (lives.pki, lives.volumes, lives.control.folder / "etcd"):
        shutil.rmtree(folder, ignore_errors=True)
    lives.kubeconfig.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not ours alone: a kubelet of the host's may use it
        node.KUBELET_FOLDER.rmdir()


def remains() -> list[str]:
    """What of a cluster is still there; nothing, after `down`."""
    processes = [f"process {pid}" for pid in cgroups.members()]
    groups = [f"control group {path}" for path in cgroups.remains()]
    spaces = [f"network namespace {name}" for name in network.namespaces()]
    mounts = [
        f"mount {line.split()[1]}"
        for line in Path("/proc/mounts").read_text().splitlines()
        if line.split()[1].startswith(str(STATE))
    ]
    return [*processes, *groups, *spaces, *mounts]

"""Forgets the containers of a former cluster and keeps its images.

Runs on a node before its services do. containerd is started without its Kubernetes half, which would read the dead
containers and go on showing them to the kubelet.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from cluster_harness import wait
from cluster_harness.command import run

NAMESPACE = "k8s.io"


def forget_containers(folder: Path) -> None:
    """Remove every container that the node in this folder knows."""
    socket = folder / "leftovers.sock"
    settings = folder / "leftovers.toml"
    settings.write_text(
        f'version = 2\nroot = "{folder / "containerd"}"\nstate = "{folder / "leftovers"}"\n'
        f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "{socket}"\n'
    )
    with subprocess.Popen(["containerd", "--config", settings]) as containerd:
        ctr = ["ctr", "--address", str(socket), "--namespace", NAMESPACE]
        try:
            wait.until(socket.exists, what="containerd's socket", timeout_s=20)
            if names := run([*ctr, "containers", "list", "--quiet"]).split():
                run([*ctr, "containers", "delete", *names])
        finally:
            containerd.terminate()
    shutil.rmtree(folder / "leftovers", ignore_errors=True)
    for kind in ("containers", "sandboxes"):  # what the Kubernetes half keeps of each, outside the database
        shutil.rmtree(folder / "containerd" / "io.containerd.grpc.v1.cri" / kind, ignore_errors=True)


if __name__ == "__main__":
    forget_containers(Path(sys.argv[1]))

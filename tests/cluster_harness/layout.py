"""Where everything of the cluster is: names, addresses, folders and ports.

All addresses live inside network namespaces without an uplink, so they collide with nothing of the host's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster_harness.errors import ClusterError

NAME = "clusteredfractals"
STATE = Path("/var/lib") / NAME
DEFAULT_NODES = 2
MAX_NODES = 9  # the last digit of a node's address and pod range

SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
POD_RANGE = "10.88.0.0/16"
CONTROL_ADDRESS = "10.87.0.1"
API_PORT = 6443
DNS_PORT = 53
CLUSTER_DOMAIN = "cluster.local"

API_HOST_PORT = 16443
GATEWAY_HOST_PORT = 16080
GATEWAY_TARGET = f"server.{NAME}.svc.{CLUSTER_DOMAIN}:80"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One computer of the cluster: a network namespace, and a process tree of its own in it."""

    name: str
    address: str
    folder: Path

    @property
    def netns(self) -> str:
        """The name under which `ip netns` shows it."""
        return f"{NAME}-{self.name}"

    @property
    def netns_path(self) -> Path:
        """The file that holds its network namespace open."""
        return Path("/run/netns") / self.netns

    @property
    def cgroup(self) -> str:
        """Its control group, the same in every hierarchy."""
        return f"/{NAME}/{self.name}"

    @property
    def logs(self) -> Path:
        """One file a service."""
        return self.folder / "logs"

    @property
    def held(self) -> Path:
        """A file of a service's name in here keeps that service from being started."""
        return self.folder / "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Machine):
    """A machine that runs pods."""

    pod_range: str

    @property
    def containerd_socket(self) -> Path:
        """Where containerd answers."""
        return self.folder / "containerd.sock"

    @property
    def containerd_root(self) -> Path:
        """Images and snapshots; kept when the cluster goes down, since an import takes long."""
        return self.folder / "containerd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A cluster of some number of nodes under one folder."""

    node_count: int = DEFAULT_NODES
    state: Path = STATE

    def __post_init__(self) -> None:
        if not 1 <= self.node_count <= MAX_NODES:
            raise ClusterError(f"--nodes must be between 1 and {MAX_NODES}; {self.node_count} was given")

    @property
    def control(self) -> Machine:
        """The machine of the control plane; it runs no pods."""
        return Machine(name="control", address=CONTROL_ADDRESS, folder=self.state / "control")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The machines that run pods, `node-1` first."""
        return tuple(
            Node(
                name=f"node-{number}",
                address=f"10.87.0.1{number}",
                folder=self.state / f"node-{number}",
                pod_range=f"10.88.{number}.0/24",
            )
            for number in range(1, self.node_count + 1)
        )

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The control plane's machine, then the nodes."""
        return (self.control, *self.nodes)

    @property
    def pki(self) -> Path:
        """Certificates, keys and kubeconfigs of this cluster's life."""
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """What a person's kubectl needs; its server is a port on 127.0.0.1."""
        return self.state / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON event a line, at level Metadata."""
        return self.control.folder / "audit.log"

    @property
    def volumes(self) -> Path:
        """The folders behind PersistentVolumes."""
        return self.state / "volumes"

    def machine(self, name: str) -> Machine:
        """The machine of that name."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        names = ", ".join(machine.name for machine in self.machines)
        raise ClusterError(f"there is no machine {name!r} in this cluster; there are {names}")

    def node(self, name: str) -> Node:
        """The node of that name."""
        for node in self.nodes:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self.nodes)
        raise ClusterError(f"there is no node {name!r} in this cluster; there are {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a later command must know of a cluster that is up."""

    node_count: int
    ports: Mapping[str, int]
    binary: Path

    def write(self, state: Path) -> None:
        """Keep it beside the cluster."""
        record = {"nodes": self.node_count, "ports": dict(self.ports), "binary": str(self.binary)}
        (state / "cluster.json").write_text(json.dumps(record))

    @classmethod
    def read(cls, state: Path) -> "Record | None":
        """What the last `up` wrote, or None after `down`."""
        try:
            record = json.loads((state / "cluster.json").read_text())
            return cls(node_count=record["nodes"], ports=record["ports"], binary=Path(record["binary"]))
        except (FileNotFoundError, json.JSONDecodeError, KeyError):
            return None  # none, or an `up` was cut short while it wrote

    @classmethod
    def forget(cls, state: Path) -> None:
        """Remove what `write` wrote."""
        (state / "cluster.json").unlink(missing_ok=True)

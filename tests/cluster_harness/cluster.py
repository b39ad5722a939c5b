"""The cluster that is up, and how to reach it."""

import os
from dataclasses import dataclass
from pathlib import Path

from cluster_harness import cgroups
from cluster_harness.api import Api, Object
from cluster_harness.errors import NotUpError, UnfitMachineError
from cluster_harness.layout import STATE, Layout, Record
from cluster_harness.machine import NOT_ROOT

NODES = "/api/v1/nodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster that is up, and how to reach it."""

    layout: Layout
    record: Record

    @property
    def kubeconfig(self) -> Path:
        """The file for a person's kubectl, and for ours."""
        return self.layout.kubeconfig

    @property
    def gateway(self) -> str:
        """Where the gateway's Service answers, once there is one."""
        return f"http://127.0.0.1:{self.record.ports['gateway']}"

    @property
    def api(self) -> Api:
        """A client of the API server, as its administrator."""
        return Api(self.kubeconfig)

    def kubectl(self, *arguments: str) -> list[str]:
        """The command that asks kubectl."""
        return [str(self.record.binary), "kubectl", f"--kubeconfig={self.kubeconfig}", *arguments]

    def ready(self) -> dict[str, bool]:
        """Whether each node is Ready, by its name."""
        return {item["metadata"]["name"]: _is_ready(item) for item in self.api.get(NODES)["items"]}


def find(state: Path = STATE) -> Cluster:
    """The cluster that is up; NotUpError when none is."""
    require_root()
    record = Record.read(state)
    if record is None or not cgroups.members():
        raise NotUpError("no cluster is up here: `python tests/cluster.py up` brings one up")
    return Cluster(layout=Layout(node_count=record.node_count, state=state), record=record)


def require_root() -> None:
    """UnfitMachineError for everybody else: even to look needs the administrator's key."""
    if os.geteuid() != 0:
        raise UnfitMachineError(NOT_ROOT)


def _is_ready(item: Object) -> bool:
    conditions = item["status"].get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)

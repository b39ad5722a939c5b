"""The cluster as a whole: up, down, and what state it is in."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster_harness import addons, binary, cgroups, control, forward, images, lock, network, node, packages, pki, power, wait
from cluster_harness.api import Api
from cluster_harness.errors import ClusterError, MachineUnfit, NotUp
from cluster_harness.layout import (
    API_HOST_PORT,
    API_PORT,
    GATEWAY_HOST_PORT,
    GATEWAY_TARGET,
    STATE,
    Layout,
    Record,
)
from cluster_harness.machine import examine, objection
from cluster_harness.progress import Progress

STAGES = 7
API_DEADLINE_S = 120
NODES_DEADLINE_S = 120
NODES = "/api/v1/nodes"
DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


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
    """The cluster that is up; NotUp when none is."""
    record = Record.read(state)
    if record is None or not cgroups.members():
        raise NotUp("no cluster is up here: `python tests/cluster.py up` brings one up")
    return Cluster(layout=Layout(node_count=record.node_count, state=state), record=record)


def up(layout: Layout, progress: Progress) -> Cluster:
    """A cluster of that layout: the one that is up already, or a new one."""
    _require_root()
    with lock.held(layout.state, "up"):
        if running := _running(layout):
            progress.done(f"a cluster of {layout.node_count} nodes is up already")
            return running
        built = _prepare(progress)
        with _swept_on_failure(layout.state):
            cluster = _bring_up(layout, built, progress)
        progress.done(f"{layout.node_count} nodes are Ready; KUBECONFIG={cluster.kubeconfig}")
        return cluster


def down(state: Path = STATE) -> None:
    """Leave no process, mount, network namespace, control group or interface; images and logs stay."""
    _require_root()
    with lock.held(state, "down"):
        _sweep(state)


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


def _require_root() -> None:
    if os.geteuid() != 0:
        raise MachineUnfit(
            "the cluster needs root for its network namespaces: run this with sudo, or use a cluster that you have "
            "instead: FRACTAL_CLUSTER=current KUBECONFIG=FILE"
        )


def _running(layout: Layout) -> Cluster | None:
    try:
        cluster = find(layout.state)
    except NotUp:
        return None
    if not cluster.api.ready():
        return None  # a crash left half of one; it is swept away
    if cluster.layout.node_count != layout.node_count:
        have = cluster.layout.node_count
        raise ClusterError(f"a cluster of {have} nodes is up, not of {layout.node_count}: run `down` first")
    return cluster


def _prepare(progress: Progress) -> binary.Binary:
    progress.stage("looking at this machine")
    built = binary.find()
    lacking = packages.missing()
    facts = examine(
        go_needed=binary.go_version(), binary_built=built.built, programs_missing=lacking, cache=built.folder
    )
    if reason := objection(facts):
        raise MachineUnfit(reason)
    progress.stage(f"installing Debian packages for {', '.join(lacking)}" if lacking else "Debian packages are there")
    packages.install(lacking)
    version = binary.kubernetes_version()
    progress.stage(f"Kubernetes {version} is built" if built.built else f"building Kubernetes {version}, once")
    if not built.built:
        binary.build(built, progress.detail)
    return built


def _bring_up(layout: Layout, built: binary.Binary, progress: Progress) -> Cluster:
    _sweep(layout.state)
    progress.stage("network and certificates")
    network.build(layout)
    pki.issue(layout)
    progress.stage("control plane")
    cluster = _start_control(layout, built)
    progress.stage("nodes")
    for entry in layout.nodes:
        node.write_settings(layout, entry)
        power.switch_on(entry, node.boot(layout, entry, built.kubernetes, fresh=True))
    addons.apply(cluster.api, layout)
    wait.until(lambda: _all_ready(cluster), what=f"{layout.node_count} Ready nodes", timeout_s=NODES_DEADLINE_S)
    progress.stage("images")
    images.load_pause(layout, built.pause)
    cluster.record.write(layout.state)
    return cluster


def _start_control(layout: Layout, built: binary.Binary) -> Cluster:
    control.write_settings(layout)
    power.switch_on(layout.control, control.boot(layout, built.kubernetes))
    with contextlib.ExitStack() as opened:
        sockets = {
            f"{layout.control.address}:{API_PORT}": opened.enter_context(forward.listen(API_HOST_PORT)),
            GATEWAY_TARGET: opened.enter_context(forward.listen(GATEWAY_HOST_PORT)),
        }
        forward.start(layout, sockets)
        api_port, gateway_port = (listening.getsockname()[1] for listening in sockets.values())
    layout.kubeconfig.write_text(pki.kubeconfig(layout.pki, "admin", f"https://127.0.0.1:{api_port}"))
    ports = {"api": api_port, "gateway": gateway_port}
    record = Record(node_count=layout.node_count, ports=ports, binary=built.kubernetes)
    cluster = Cluster(layout=layout, record=record)
    wait.until(cluster.api.ready, what="the API server's readiness", timeout_s=API_DEADLINE_S)
    return cluster


def _all_ready(cluster: Cluster) -> bool:
    ready = cluster.ready()
    accounts = cluster.api.get("/api/v1/namespaces/default/serviceaccounts")["items"]
    # without its account a namespace refuses pods: the controllers make it a moment after they start
    return len(ready) == cluster.layout.node_count and all(ready.values()) and bool(accounts)


def _is_ready(item: dict[str, object]) -> bool:
    status = item["status"]
    assert isinstance(status, dict)
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in status.get("conditions", []))


@contextlib.contextmanager
def _swept_on_failure(state: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:  # Ctrl-C as well: half a cluster is of no use
        _sweep(state)
        raise


def _sweep(state: Path) -> None:
    Record.forget(state)
    cgroups.end()
    network.remove()
    cgroups.remove()
    lives = Layout(node_count=9, state=state)
    for entry in lives.nodes:
        for name in ("kubelet", "log", "addresses", "containerd-state", "held", "leftovers"):
            shutil.rmtree(entry.folder / name, ignore_errors=True)
    for folder in (lives.pki, lives.volumes, lives.control.folder / "etcd"):
        shutil.rmtree(folder, ignore_errors=True)
    lives.kubeconfig.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not ours alone: a kubelet of the host's may use it
        node.KUBELET_FOLDER.rmdir()

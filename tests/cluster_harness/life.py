"""The cluster's life: up and down."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cluster_harness import addons, binary, control, forward, images, lock, network, node, packages, pki, power, wait
from cluster_harness.cluster import Cluster, find, require_root
from cluster_harness.errors import ClusterError, NotUpError, UnfitMachineError
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
from cluster_harness.sweep import sweep

STAGES = 7
API_DEADLINE_S = 120
NODES_DEADLINE_S = 120
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"


def up(layout: Layout, progress: Progress) -> Cluster:
    """A cluster of that layout: the one that is up already, or a new one."""
    require_root()
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
    require_root()
    with lock.held(state, "down"):
        sweep(state)


def _running(layout: Layout) -> Cluster | None:
    try:
        cluster = find(layout.state)
    except NotUpError:
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
        raise UnfitMachineError(reason)
    progress.stage(f"installing Debian packages for {', '.join(lacking)}" if lacking else "Debian packages are there")
    with progress.ticking("apt-get"):
        packages.install(lacking)
    version = binary.kubernetes_version()
    progress.stage(f"Kubernetes {version} is built" if built.built else f"building Kubernetes {version}, once")
    if not built.built:
        binary.build(built, progress.detail)
    return built


def _bring_up(layout: Layout, built: binary.Binary, progress: Progress) -> Cluster:
    sweep(layout.state)
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
    wait.until(
        lambda: _all_ready(cluster),
        what=f"{layout.node_count} Ready nodes (logs are in {layout.state}/*/logs)",
        timeout_s=NODES_DEADLINE_S,
    )
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
    wait.until(
        cluster.api.ready,
        what=f"the API server's readiness (its log is in {layout.control.logs})",
        timeout_s=API_DEADLINE_S,
    )
    return cluster


def _all_ready(cluster: Cluster) -> bool:
    ready = cluster.ready()
    accounts = cluster.api.get(ACCOUNTS)["items"]
    # without its account a namespace refuses pods: the controllers make it a moment after they start
    return len(ready) == cluster.layout.node_count and all(ready.values()) and bool(accounts)


@contextlib.contextmanager
def _swept_on_failure(state: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:  # Ctrl-C as well: half a cluster is of no use
        sweep(state)
        raise

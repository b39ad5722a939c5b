"""A node's services and their settings, as pure functions of the layout."""

import json
import shutil
import sys
from pathlib import Path

from cluster_harness import cgroups, control, network
from cluster_harness.layout import CLUSTER_DOMAIN, DNS_SERVICE, Layout, Node
from cluster_harness.service import Boot, Service

PAUSE_IMAGE = "localhost/pause:1"
KUBELET_FOLDER = Path("/var/lib/kubelet")  # the device plugins' socket is there whatever --root-dir says
CNI_PROGRAMS = "/usr/lib/cni"  # where Debian has them


def boot(layout: Layout, node: Node, binary: Path, *, fresh: bool) -> Boot:
    """How a node starts; a `fresh` one forgets the containers of a former cluster."""
    socket = str(node.containerd_socket)
    leftovers = (sys.executable, "-m", "cluster_harness.leftovers", str(node.folder))
    return Boot(
        logs=str(node.logs),
        held=str(node.held),
        binds=(
            (str(node.folder / "kubelet"), str(KUBELET_FOLDER)),
            # kubelets write pods' logs below it, and remove those that they don't know: each other's
            (str(node.folder / "log"), "/var/log"),
        ),
        before=leftovers if fresh and node.containerd_root.exists() else (),
        services=(
            Service(name="containerd", command=("containerd", "--config", str(node.folder / "containerd.toml"))),
            Service(name="kubelet", command=_kubelet(layout, node, binary), after=socket),
            Service(name="kube-proxy", command=control.proxy_command(layout, binary, node.name)),
            Service(
                name="enforcer",
                command=(
                    sys.executable,
                    "-m",
                    "cluster_harness.enforcer",
                    str(layout.pki / "enforcer.kubeconfig"),
                    node.name,
                ),
            ),
        ),
    )


def write_settings(layout: Layout, node: Node) -> None:
    """Write the files that the services read."""
    for folder in (node.folder / "kubelet", node.folder / "log", node.folder / "cni", KUBELET_FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
    (node.folder / "resolv.conf").write_text("")
    (node.folder / "containerd.toml").write_text(containerd_settings(node))
    (node.folder / "kubelet.json").write_text(json.dumps(kubelet_settings(layout, node), indent=1))
    (node.folder / "cni" / "pods.conflist").write_text(json.dumps(cni_settings(node), indent=1))


def clear(node: Node) -> None:
    """Take away what a machine forgets when it is switched off, and ours does not by itself."""
    cgroups.remove(node.cgroup, keep=True)
    network.forget_pods(node)
    shutil.rmtree(node.folder / "addresses", ignore_errors=True)
    shutil.rmtree(node.folder / "containerd-state", ignore_errors=True)
    node.containerd_socket.unlink(missing_ok=True)


def containerd_settings(node: Node) -> str:
    """containerd's configuration file (TOML)."""
    cri = '[plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{node.containerd_root}"
state = "{node.folder / "containerd-state"}"

[grpc]
  address = "{node.containerd_socket}"

{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  # without CAP_SYS_RESOURCE nobody may lower a score, and not every kernel has AppArmor
  restrict_oom_score_adj = true
  disable_apparmor = true

{cri}.containerd]
  default_runtime_name = "runc"

{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

{cri}.cni]
  bin_dir = "{CNI_PROGRAMS}"
  conf_dir = "{node.folder / "cni"}"
"""


def kubelet_settings(layout: Layout, node: Node) -> dict[str, object]:
    """The kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{node.containerd_socket}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.pki / f"{node.name}.crt"),
        "tlsPrivateKeyFile": str(layout.pki / f"{node.name}.key"),
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": str(node.folder / "resolv.conf"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": node.cgroup,
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        # the host's disk is everybody's: a node that measured it would evict for what others write
        "localStorageCapacityIsolation": False,
        "evictionHard": {"memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "featureGates": {"KubeletInUserNamespace": True, "KubeletCrashLoopBackOffMax": True},
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "1s",
        "nodeStatusReportFrequency": "10s",
        "nodeLeaseDurationSeconds": control.NODE_GRACE_S - 1,
    }


def cni_settings(node: Node) -> dict[str, object]:
    """How pods get their addresses: a bridge a node, no masquerading, since there is nowhere to go."""
    addresses = {
        "type": "host-local",
        "dataDir": str(node.folder / "addresses"),
        "ranges": [[{"subnet": node.pod_range}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses}
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def _kubelet(layout: Layout, node: Node, binary: Path) -> tuple[str, ...]:
    flags = {
        "config": node.folder / "kubelet.json",
        "kubeconfig": layout.pki / f"{node.name}.kubeconfig",
        "hostname-override": node.name,
        "node-ip": node.address,
        "root-dir": node.folder / "kubelet",
    }
    return (str(binary), "kubelet", *(f"--{name}={value}" for name, value in flags.items()))

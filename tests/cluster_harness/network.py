"""The cluster's network: one namespace a machine, joined by a bridge in the control plane's; no uplink.

`dummy` links and `tc netem` are not everywhere; bridge, veth and nftables are.
"""

import json
from collections.abc import Sequence

from cluster_harness.command import run
from cluster_harness.layout import NAME, POD_RANGE, SERVICE_RANGE, Layout, Machine, Node

BRIDGE = "br0"
PREFIX = 24  # bits of a node's network


def inside(machine: Machine) -> list[str]:
    """Words to put before a command so that it uses the machine's network.

    Not `ip netns exec`: that mounts another /sys, and the control groups are gone.
    """
    return ["nsenter", f"--net={machine.netns_path}", "--"]


def build(layout: Layout) -> None:
    """Make all namespaces, links and routes."""
    control = layout.control
    run(["ip", "netns", "add", control.netns])
    _batch(
        control,
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"address add {control.address}/{PREFIX} dev {BRIDGE}",
        f"link set {BRIDGE} up",
        # so that the control plane's own processes reach Services: kube-proxy rewrites the address on
        # the way out, but there must be a way out
        f"route add {SERVICE_RANGE} dev {BRIDGE}",
    )
    _set(control, "net.ipv4.ip_forward=1")
    for node in layout.nodes:
        _connect(control, node)
    for node in layout.nodes:
        others = [other for other in layout.nodes if other != node]
        _batch(node, *(f"route add {other.pod_range} via {other.address}" for other in others))


def remove() -> None:
    """Remove every namespace of ours; links and routes go with them."""
    for name in namespaces():
        run(["ip", "netns", "delete", name])


def namespaces() -> Sequence[str]:
    """Our network namespaces that exist."""
    found = json.loads(run(["ip", "-json", "netns", "list"]) or "[]")
    return [entry["name"] for entry in found if entry["name"].startswith(f"{NAME}-")]


def cut(layout: Layout, node: Node) -> None:
    """Pull the node's cable: it goes on running, and nobody hears of it."""
    run([*inside(layout.control), "ip", "link", "set", node.name, "down"])


def join(layout: Layout, node: Node) -> None:
    """Put the cable back."""
    run([*inside(layout.control), "ip", "link", "set", node.name, "up"])


def forget_pods(node: Node) -> None:
    """Remove the bridge that pods of the node's former life hung on."""
    links = json.loads(run([*inside(node), "ip", "-json", "link", "show"]))
    if any(link["ifname"] == "cni0" for link in links):
        run([*inside(node), "ip", "link", "delete", "cni0"])


def _connect(control: Machine, node: Node) -> None:
    run(["ip", "netns", "add", node.netns])
    _batch(
        control,
        f"link add {node.name} type veth peer name eth0 netns {node.netns}",
        f"link set {node.name} master {BRIDGE} up",
        f"route add {node.pod_range} via {node.address}",
    )
    _batch(
        node,
        "link set lo up",
        f"address add {node.address}/{PREFIX} dev eth0",
        "link set eth0 up",
        f"route add default via {control.address}",
        f"route add unreachable {POD_RANGE}",  # else a packet to no pod goes round and round
    )
    # bridged frames must pass the ip hooks, or a NetworkPolicy doesn't see neighbours on one node
    _set(node, "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")


def _batch(machine: Machine, *lines: str) -> None:
    run([*inside(machine), "ip", "-batch", "-"], given="".join(f"{line}\n" for line in lines))


def _set(machine: Machine, *settings: str) -> None:
    run([*inside(machine), "sysctl", "-q", "-w", *settings])

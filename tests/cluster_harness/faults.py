"""Faults of nodes, and their repair."""

from cluster_harness import network, node, power
from cluster_harness.cluster import Cluster


def power_off(cluster: Cluster, name: str) -> None:
    """Pull the plug of a node."""
    power.switch_off(cluster.layout.node(name))


def partition(cluster: Cluster, name: str) -> None:
    """Pull the network cable of a node; its pods run on."""
    network.cut(cluster.layout, cluster.layout.node(name))


def stop_service(cluster: Cluster, machine: str, service: str) -> None:
    """Kill a service of a machine, such as a node's kubelet, and keep it stopped."""
    power.hold(cluster.layout.machine(machine), service)


def repair(cluster: Cluster, name: str) -> None:
    """Undo every fault of the machine: cable, power, stopped services."""
    machine = cluster.layout.machine(name)
    if machine == cluster.layout.control:
        _start_stopped(cluster, name)
        return
    entry = cluster.layout.node(name)
    network.join(cluster.layout, entry)
    if power.is_on(entry):
        _start_stopped(cluster, name)
    else:
        node.clear(entry)
        power.switch_on(entry, node.boot(cluster.layout, entry, cluster.record.binary, fresh=False))


def _start_stopped(cluster: Cluster, name: str) -> None:
    machine = cluster.layout.machine(name)
    for service in power.held(machine):
        power.release(machine, service)

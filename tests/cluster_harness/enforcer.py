"""The program that keeps a node's nftables in step with the NetworkPolicies; it runs on each node."""

import sys
import time
from pathlib import Path

from cluster_harness import nftables
from cluster_harness.api import Api
from cluster_harness.command import run
from cluster_harness.errors import ClusterError
from cluster_harness.mirror import Mirror
from cluster_harness.policies import isolations, read_cluster

PODS = "/api/v1/pods"
NAMESPACES = "/api/v1/namespaces"
POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
GATHER_S = 0.02  # changes come in bursts: one table for all of one


def main(kubeconfig: str, node: str) -> None:
    """Follow the policies for ever."""
    mirror = Mirror(Api(Path(kubeconfig)), [PODS, NAMESPACES, POLICIES])
    mirror.start()
    loaded = ""
    while True:
        mirror.changed.wait()
        time.sleep(GATHER_S)
        mirror.changed.clear()
        if (found := mirror.snapshot()) is None:
            continue
        cluster = read_cluster(found[PODS], found[NAMESPACES], found[POLICIES])
        wanted = nftables.render(isolations(node, cluster))
        if wanted != loaded:
            loaded = _load(wanted) or loaded


def _load(table: str) -> str:
    """The table, if the kernel took it; a refused one leaves the former in force and is written to the log."""
    try:
        run(["nft", "--file", "-"], given=table)
    except ClusterError as error:
        sys.stdout.write(f"{error}\n{table}")
        sys.stdout.flush()
        return ""
    return table


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

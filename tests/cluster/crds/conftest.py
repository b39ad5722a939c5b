"""An API server with our CRDs."""

from collections.abc import Iterator

import pytest
from cluster_harness.cluster import Cluster
from support.crd_server import Server


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[int, Server]]:
    """The servers that the CRDs were applied to, by the time of their start: a cluster may be down and up meanwhile."""
    known: dict[int, Server] = {}
    yield known
    for server in known.values():
        server.close()


@pytest.fixture
def server(own_cluster: Cluster, servers: dict[int, Server]) -> Server:
    """The cluster's API server, with our CRDs as they are here."""
    began = own_cluster.kubeconfig.stat().st_mtime_ns
    if began not in servers:
        server = Server(own_cluster.kubeconfig)
        server.install()
        servers[began] = server
    return servers[began]

"""The cluster that is meant: this machine's own, or the one that KUBECONFIG names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster_harness import cluster
from cluster_harness.choice import current_cluster
from cluster_harness.cluster import Cluster
from cluster_harness.kubectl import Kubectl, Reachable

from trial import places


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster to install on; `own` when it is this machine's, which images can be carried to."""

    kubeconfig: Path
    jobs: Kubectl
    product: Kubectl
    own: Cluster | None

    @property
    def environment(self) -> Mapping[str, str]:
        """Ours, with the KUBECONFIG that leads there."""
        return {**places.environment(), "KUBECONFIG": str(self.kubeconfig)}

    @property
    def gateway(self) -> str | None:
        """Where the gateway answers from here; None on a cluster that leads nowhere by itself."""
        return self.own.gateway if self.own else None


def find() -> Target:
    """The cluster that is up, or the one of KUBECONFIG; ClusterError when there is none."""
    if current := current_cluster():
        return _target(current.kubeconfig, current, None)
    return of(cluster.find())


def of(own: Cluster) -> Target:
    """This machine's own cluster."""
    return _target(own.kubeconfig, own, own)


def _target(kubeconfig: Path, reached: Reachable, own: Cluster | None) -> Target:
    return Target(
        kubeconfig=kubeconfig,
        jobs=Kubectl(reached, places.JOBS_NAMESPACE),
        product=Kubectl(reached, places.NAMESPACE),
        own=own,
    )

"""Which cluster is meant: the harness's own, or the one that KUBECONFIG names."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster_harness.errors import ClusterError

VARIABLE = "FRACTAL_CLUSTER"
CURRENT = "current"


def current_kubeconfig(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The kubeconfig of a cluster that somebody else keeps, when the environment asks for it; else None."""
    asked = environment.get(VARIABLE, "")
    if not asked:
        return None
    if asked != CURRENT:
        raise ClusterError(f"{VARIABLE} may be `{CURRENT}` (use the cluster of KUBECONFIG) or unset; it is {asked!r}")
    file = environment.get("KUBECONFIG", "")
    if not Path(file).is_file():
        given = f"{file!r}, which is no file" if file else "not set"
        raise ClusterError(f"{VARIABLE}={CURRENT} needs KUBECONFIG to name one file; it is {given}")
    return Path(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentCluster:
    """A cluster that somebody else keeps, and the kubectl that this machine has."""

    kubeconfig: Path
    program: str

    def kubectl(self, *arguments: str) -> list[str]:
        """The command that asks kubectl."""
        return [self.program, f"--kubeconfig={self.kubeconfig}", *arguments]


def current_cluster(environment: Mapping[str, str] = os.environ) -> CurrentCluster | None:
    """The cluster that the environment asks for; None when it doesn't, ClusterError when it can't be asked."""
    kubeconfig = current_kubeconfig(environment)
    if kubeconfig is None:
        return None
    program = shutil.which("kubectl")
    if program is None:
        raise ClusterError(f"{VARIABLE}={CURRENT} needs a kubectl on PATH, and there is none: install one")
    return CurrentCluster(kubeconfig=kubeconfig, program=program)

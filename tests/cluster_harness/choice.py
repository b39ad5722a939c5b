"""Which cluster is meant: the harness's own, or the one that KUBECONFIG names."""

import os
from collections.abc import Mapping
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

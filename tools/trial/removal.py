"""The product taken from a cluster: by its operator where that lives, and by our own hands where it does not.

Everything has an end: the operator gets a minute, then its finalizers are removed here.
"""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Final

from cluster_harness.errors import CommandError, DeadlineError
from cluster_harness.kubectl import Kubectl
from cluster_harness.progress import Progress

from fractal_operator.core import names
from trial import places, remnants
from trial.readiness import condition
from trial.remnants import Remnants

STAGES: Final = 4
OPERATOR_S: Final = 60.0
"""What the operator gets to let go by itself; it promises that all of it takes no longer."""

REST_S: Final = 90.0
PAUSE_S: Final = 0.5
NO_FINALIZERS: Final = json.dumps({"metadata": {"finalizers": None}})


def uninstall(kubectl: Kubectl, progress: Progress) -> None:
    """Remove the product; DeadlineError, naming what stays and why, when something does not go."""
    progress.stage("looking at what is installed")
    if not remnants.look(kubectl):
        progress.done("nothing of ClusteredFractals is installed")
        return
    alive = _operator_lives(kubectl)
    progress.stage(f"kubectl delete -k {places.MANIFESTS.name}/")
    kubectl("delete", f"--kustomize={places.MANIFESTS}", "--ignore-not-found", "--wait=false", timeout_s=60)
    if alive:
        progress.stage("the operator lets go of its worlds")
        _until(kubectl, lambda left: not left.held, OPERATOR_S, progress)
    else:
        progress.stage("the operator is dead: its finalizers are removed here")
    _let_go(kubectl)
    progress.stage("waiting until all of it is gone")
    left = _until(kubectl, lambda left: not left, REST_S, progress)
    if left:
        raise DeadlineError(f"still there after {REST_S:g} s: {left.sentence()}{_reasons(kubectl, left)}")
    progress.done("ClusteredFractals is uninstalled")


def _operator_lives(kubectl: Kubectl) -> bool:
    printed = kubectl("get", f"deployment/{names.OPERATOR}", "--ignore-not-found", "--output=json")
    return bool(printed) and json.loads(printed).get("status", {}).get("readyReplicas", 0) > 0


def _let_go(kubectl: Kubectl) -> None:
    """Remove the operator's finalizers from whatever has them, and the namespaces of its worlds."""
    left = remnants.look(kubectl)
    held = [f"fractalnamespace/{name}" for name in left.worlds] + list(left.rights)
    for what in held:
        with contextlib.suppress(CommandError):  # it may be gone by now; whether all are is looked at afterwards
            kubectl("patch", what, "--type=merge", f"--patch={NO_FINALIZERS}")
    if left.world_namespaces:
        kubectl("delete", "namespace", *left.world_namespaces, "--ignore-not-found", "--wait=false")


def _until(kubectl: Kubectl, holds: Callable[[Remnants], bool], timeout_s: float, progress: Progress) -> Remnants:
    """What is there once it is as wanted, or at the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        left = remnants.look(kubectl)
        if holds(left) or time.monotonic() > deadline:
            return left
        progress.detail(left.sentence())
        time.sleep(PAUSE_S)


def _reasons(kubectl: Kubectl, left: Remnants) -> str:
    """What the API server says of namespaces that do not end."""
    said: list[str] = []
    for name in (*left.world_namespaces, *left.product_namespace):
        printed = kubectl("get", "namespace", name, "--ignore-not-found", "--output=json")
        for kind in ("NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure"):
            found = condition(json.loads(printed), kind) if printed else None
            if found is not None and found["status"] == "True":
                said.append(f"{name}: {found['message']}")
    return f" ({'; '.join(said)})" if said else ""

"""What an installation waits for, one after the other: each with a deadline, and a reason while it lasts."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cluster_harness.errors import DeadlineError
from cluster_harness.kubectl import Kubectl
from cluster_harness.progress import Progress

from trial import places, readiness
from trial.readiness import Object

PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One object that must become ready; `lacks` says what it lacks, and `pods` chooses those that keep it."""

    title: str
    what: str
    lacks: Callable[[Object | None], str]
    pods: Sequence[str]
    timeout_s: float


def _labelled(name: str) -> tuple[str, ...]:
    return (f"--namespace={places.NAMESPACE}", f"--selector=app.kubernetes.io/name={name}")


def deployment(title: str, name: str, *, timeout_s: float = 180) -> Wait:
    """The wait for a Deployment of the product's."""
    lacks = readiness.deployment_lacks
    return Wait(title=title, what=f"deployment/{name}", lacks=lacks, pods=_labelled(name), timeout_s=timeout_s)


OPERATOR: Final = "fractal-operator"
GATEWAY: Final = "fractal-gateway"

INSTALLATION: Final = (
    deployment("the operator", OPERATOR),
    Wait(
        title="Redis",
        what="statefulset/redis",
        lacks=readiness.stateful_set_lacks,
        pods=_labelled("redis"),
        timeout_s=180,
    ),
    deployment("the gateway", GATEWAY),
    Wait(
        title=f"the world {places.FIRST_WORLD}",
        what=f"fractalnamespace/{places.FIRST_WORLD}",
        lacks=readiness.world_lacks,
        pods=(f"--namespace={places.FIRST_WORLD}",),
        timeout_s=240,
    ),
)
"""What must be ready before a job is rendered, in the order in which one needs the other."""


def until_ready(kubectl: Kubectl, wait: Wait, progress: Progress) -> None:
    """Return once the object is ready; DeadlineError, with what it lacks and why, at its deadline."""
    deadline = time.monotonic() + wait.timeout_s
    while lacks := wait.lacks(_found(kubectl, wait.what)):
        obstacle = readiness.pod_obstacle(_pods(kubectl, wait.pods))
        reason = f"{lacks} ({obstacle})" if obstacle else lacks
        if time.monotonic() > deadline:
            raise DeadlineError(f"{wait.title} is not ready after {wait.timeout_s:g} s: {reason}")
        progress.detail(reason)
        time.sleep(PAUSE_S)


def _found(kubectl: Kubectl, what: str) -> Object | None:
    printed = kubectl("get", what, "--ignore-not-found", "--output=json")
    found: Object | None = json.loads(printed) if printed else None
    return found


def _pods(kubectl: Kubectl, chosen: Sequence[str]) -> Sequence[Object]:
    items: Sequence[Object] = json.loads(kubectl("get", "pods", *chosen, "--output=json"))["items"]
    return items

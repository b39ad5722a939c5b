"""kubectl with the cluster's kubeconfig, for tests: what a person would type, with a deadline."""

import json
from typing import Any, Protocol

from cluster_harness import wait
from cluster_harness.command import run
from cluster_harness.errors import CommandError, DeadlineError

TIMEOUT_S = 30.0


class Reachable(Protocol):
    """A cluster that kubectl reaches, ours or another."""

    def kubectl(self, *arguments: str) -> list[str]:
        """The command that asks kubectl."""
        ...


class Kubectl:
    """Commands in one namespace."""

    def __init__(self, cluster: Reachable, namespace: str = "default") -> None:
        self._cluster = cluster
        self.namespace = namespace

    def __call__(self, *arguments: str, given: str | None = None, timeout_s: float = TIMEOUT_S) -> str:
        """What kubectl printed; CommandError with its words when it failed."""
        command = self._cluster.kubectl(f"--namespace={self.namespace}", *arguments)
        return run(command, given=given, timeout_s=timeout_s)

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply the objects."""
        self(
            "apply",
            "--server-side",
            "--filename=-",
            given=json.dumps({"kind": "List", "apiVersion": "v1", "items": manifests}),
        )

    def get(self, *what: str) -> Any:  # noqa: ANN401 - an object of any kind, as JSON has it
        """The object or list that `what` names, as JSON has it."""
        return json.loads(self("get", *what, "--output=json"))

    def exec(self, pod: str, *command: str, timeout_s: float = TIMEOUT_S) -> str:
        """What a command printed in the pod."""
        return self("exec", pod, "--", *command, timeout_s=timeout_s)

    def reaches(self, pod: str, *command: str, timeout_s: float = TIMEOUT_S) -> bool:
        """Whether a command in the pod succeeds."""
        try:
            self.exec(pod, *command, timeout_s=timeout_s)
        except CommandError:
            return False
        return True

    def await_condition(self, condition: str, *what: str, timeout_s: float) -> None:
        """Return once the objects have the condition, such as `condition=Ready`."""
        try:
            self("wait", f"--for={condition}", f"--timeout={timeout_s:g}s", *what, timeout_s=timeout_s + TIMEOUT_S)
        except CommandError as error:
            raise DeadlineError(f"{' '.join(what)} have no {condition} within {timeout_s:g} s: {error}") from None

    def await_deleted(self, *what: str, timeout_s: float) -> None:
        """Return once the object is gone."""
        wait.until(
            lambda: not self("get", *what, "--ignore-not-found", "--output=name"),
            what=f"the end of {' '.join(what)}",
            timeout_s=timeout_s,
        )

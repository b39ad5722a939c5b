"""Trying doors from inside of a pod: whether a TCP connection opens, said by the pod's own Python."""

from dataclasses import dataclass
from typing import Any, Final

from cluster_harness import project
from cluster_harness.kubectl import Kubectl

SETTLED_S: Final = 40.0
PATIENCE_S: Final = 2
_KNOCK: Final = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), {patience}).close()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A pod, as the one who knocks."""

    kubectl: Kubectl
    pod: str

    def opens(self, host: str, port: int) -> bool:
        """Whether the pod gets a TCP connection."""
        knock = _KNOCK.format(patience=PATIENCE_S)
        return self.kubectl.reaches(self.pod, "python3", "-c", knock, host, str(port))

    def runs(self, program: str, *arguments: str) -> str:
        """What a Python program printed in the pod."""
        return self.kubectl.exec(self.pod, "python3", "-c", program, *arguments)


def stranger_pod(name: str = "stranger") -> dict[str, Any]:
    """A pod of the kernel's image that does nothing, and looks like nobody of ours."""
    quiet = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "main",
        "image": project.image("kernel"),
        "imagePullPolicy": "IfNotPresent",
        "command": ["tini", "--", "sleep", "infinity"],
        "securityContext": quiet,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }

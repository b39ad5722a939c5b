"""The way to the gateway: a port-forward to its pod, through the API server. Who may port-forward may read."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from fractal_api.errors import FractalError
from fractal_operator.cli.cluster import Cluster
from fractal_operator.cli.problems import REMEDY, ClusterAway, NotInstalled, Refused, Unknown
from fractal_operator.core import paths
from fractal_operator.core.names import GATEWAY, SERVER_GROUP_LABEL, Object

if TYPE_CHECKING:
    from kubernetes.stream.ws_client import PortForward

PORT: Final = 8081
SILENCE_S: Final = 30.0


class Gateway(Protocol):
    """Answers requests of the gateway's API."""

    def get(self, path: str, *, patient: bool = False) -> http.client.HTTPResponse:
        """The head of the answer; a patient caller waits for ever for what comes then."""
        ...


class ForwardedGateway:
    """The gateway's loopback port, forwarded to here. A context; the connection is made with the first request."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._forward: PortForward | None = None
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, *, patient: bool = False) -> http.client.HTTPResponse:
        """See `Gateway`."""
        for attempt in range(2):
            fresh = self._connection is None
            connection = self._connected()
            connection.sock.settimeout(None if patient else SILENCE_S)
            try:
                connection.request("GET", path, headers={"Host": "localhost", "User-Agent": "fractal"})
                return connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                said = self._error()
                self.close()
                if fresh or attempt:
                    raise ClusterAway(f"the gateway in namespace {self._namespace} doesn't answer: {said}") from error
        raise AssertionError("the loop returns or raises")

    def close(self) -> None:
        """End the port-forward."""
        if self._connection is not None:
            self._connection.close()
        if self._forward is not None:
            self._forward.close()
        self._connection = self._forward = None

    def _error(self) -> str:
        """What the kubelet said about the port."""
        said = self._forward.error(PORT) if self._forward is not None else None
        return " ".join(str(said).split()) if said else "the connection broke off"

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            self._forward = _forward(self._cluster, self._namespace, _pod(self._cluster, self._namespace))
            self._connection = http.client.HTTPConnection("localhost", PORT)
            self._connection.sock = self._forward.socket(PORT)
        return self._connection


@contextmanager
def gateway(cluster: Cluster, namespace: str) -> Iterator[ForwardedGateway]:
    """The gateway of the installation in that namespace, for as long as the context lasts."""
    made = ForwardedGateway(cluster, namespace)
    try:
        yield made
    finally:
        made.close()


def _pod(cluster: Cluster, namespace: str) -> str:
    """The name of a gateway's pod that is ready."""
    try:
        found = cluster.get(paths.pods(namespace), labelSelector=f"{SERVER_GROUP_LABEL}={GATEWAY}")
    except Unknown as error:
        raise _no_gateway(namespace) from error
    except Refused as error:
        raise Refused(f"you may not look for the gateway in namespace {namespace}: {REMEDY}") from error
    pods: list[Object] = found.get("items", [])
    if not pods:
        raise _no_gateway(namespace)
    for pod in pods:
        if _is_ready(pod):
            name: str = pod["metadata"]["name"]
            return name
    raise ClusterAway(f"no pod of the gateway in namespace {namespace} is ready: kubectl get pods -n {namespace}")


def _no_gateway(namespace: str) -> NotInstalled:
    return NotInstalled(
        f"there is no gateway in namespace {namespace}: kubectl apply -k manifests/, or name its --operator-namespace"
    )


def _is_ready(pod: Object) -> bool:
    conditions: list[dict[str, Any]] = pod.get("status", {}).get("conditions") or []
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _forward(cluster: Cluster, namespace: str, pod: str) -> "PortForward":
    from fractal_operator.cli.port_forward import open_forward  # noqa: PLC0415 - only then it is needed

    try:
        return open_forward(cluster.connection.client, f"{paths.pods(namespace)}/{pod}/portforward", PORT)
    except FractalError as error:
        raise type(error)(f"there is no way to the gateway in namespace {namespace}: {error}") from error

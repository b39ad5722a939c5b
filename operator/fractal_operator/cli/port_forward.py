"""A port of a pod as a socket here, through the API server. It imports the Kubernetes client, which takes a while."""

from typing import TYPE_CHECKING, Final

import websocket
from kubernetes.stream import ws_client
from websocket import WebSocketBadStatusException, WebSocketException

from fractal_api.errors import FractalError
from fractal_operator.cli.problems import REMEDY, ClusterAway, Refused

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

HANDSHAKE_S: Final = 10.0

_FORBIDDEN: Final = 403


class _Quiet(ws_client.PortForward):
    """The client's port-forward, whose thread ends without a word: whoever reads from the socket sees that it ended."""

    def __init__(self, connection: websocket.WebSocket, port: int) -> None:
        super().__init__(connection, [port])  # type: ignore[no-untyped-call]

    def _proxy(self) -> None:
        try:
            super()._proxy()  # type: ignore[no-untyped-call]
        except (OSError, WebSocketException, RuntimeError):
            for port in self.local_ports.values():
                port.python.close()
        finally:
            self.websocket.shutdown()


def open_forward(client: "ApiClient", path: str, port: int) -> ws_client.PortForward:
    """The pod's port; `path` is that of the pod's portforward. The socket comes with `PortForward.socket(port)`."""
    query = [("ports", str(port))]
    _, url, headers, *_ = client.param_serialize("GET", path, query_params=[], auth_settings=["BearerToken"])
    websocket.setdefaulttimeout(HANDSHAKE_S)
    try:
        made = ws_client.create_websocket(client.configuration, ws_client.get_websocket_url(url, query), headers)
    except (OSError, WebSocketException) as error:
        raise _refusal(error) from error
    made.settimeout(None)
    return _Quiet(made, port)


def _refusal(error: Exception) -> FractalError:
    match error:
        case WebSocketBadStatusException(status_code=status) if status == _FORBIDDEN:
            return Refused(f"you may not port-forward to it: {REMEDY}")
        case WebSocketBadStatusException(status_code=status):
            return ClusterAway(f"the API server answers the port-forward with {status}")
        case _:
            return ClusterAway(f"the API server doesn't answer the port-forward: {error}")

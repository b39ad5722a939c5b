"""Where the API server is, who we are there, and the connections to it."""

import os
import socket
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from fractal_operator.adapters.api_errors import NoClusterError

_HOME_CONFIG: Final = Path("~/.kube/config")

_DEAD_AFTER_MS: Final = 25_000
_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}


async def open_client(user_agent: str) -> ApiClient:
    """A client of the cluster of KUBECONFIG, or of this pod's; NoClusterError when there is neither.

    A KUBECONFIG in the environment comes before the pod's ServiceAccount: whoever sets it in a pod means it.
    """
    found = await _load()
    try:
        client = ApiClient(found)
    except Exception as error:
        raise _unusable(error) from error  # a certificate that is none, say
    client.user_agent = user_agent
    client.configuration.client_session_kwargs = {"connector": build_connector(client)}
    return client


def build_connector(client: ApiClient) -> aiohttp.TCPConnector:
    """Connections to the client's server without a limit in number: each stream holds one, and others must go on."""
    return aiohttp.TCPConnector(limit=0, ssl=client.rest_client.ssl_context, socket_factory=_socket)


async def close_client(client: ApiClient) -> None:
    """Let go of the client's connections."""
    await client.close()
    await client.configuration.client_session_kwargs["connector"].close()


async def _load() -> Configuration:
    found = Configuration()
    try:
        if "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(found)
        else:
            await config.load_kube_config(_kubeconfig(), client_configuration=found, persist_config=False)
    except (config.ConfigException, OSError) as error:
        raise NoClusterError(
            f"No Kubernetes cluster is configured ({error}): set KUBECONFIG, or run in a pod with a ServiceAccount"
        ) from error
    except Exception as error:
        raise _unusable(error) from error
    return found


def _unusable(error: Exception) -> NoClusterError:
    """What a broken file makes the library raise is of many kinds."""
    return NoClusterError(f"The kubeconfig can't be used: {' '.join(str(error).split()) or type(error).__name__}")


def _kubeconfig() -> str:
    where = os.environ.get("KUBECONFIG") or str(_HOME_CONFIG.expanduser())
    if not any(Path(part).is_file() for part in where.split(os.pathsep)):
        raise FileNotFoundError(f"there is no file {where}")
    return where


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices a peer gone silent: a stream has no deadline of its own."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER_MS)
    for option, value in _KEEPALIVE.items():
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made

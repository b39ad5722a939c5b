"""A small client of the API server, with the standard library alone: what the harness itself needs of it."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from cluster_harness.errors import RefusalError

Object = dict[str, Any]
MANAGER = "cluster-harness"
TIMEOUT_S = 15.0


class Api:
    """Requests in the name of a kubeconfig's user; a connection a request."""

    def __init__(self, kubeconfig: Path) -> None:
        """`kubeconfig` is one that `pki.kubeconfig` wrote."""
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        server = urlsplit(cluster["server"])
        self._host, self._port = server.hostname or "", server.port or 443
        self._context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._context.load_cert_chain(user["client-certificate"], user["client-key"])

    def get(self, path: str, **query: str) -> Object:
        """The object or list at `path`."""
        return self._json("GET", path, query)

    def create(self, path: str, body: Object) -> Object:
        """A new object in the collection at `path`."""
        return self._json("POST", path, {}, body)

    def delete(self, path: str) -> Object:
        """The end of the object at `path`."""
        return self._json("DELETE", path, {})

    def apply(self, path: str, body: Object) -> Object:
        """The object at `path`, made to hold what `body` says (server-side apply)."""
        query = {"fieldManager": MANAGER, "force": "true"}
        return self._json("PATCH", path, query, body, "application/apply-patch+yaml")

    def ready(self) -> bool:
        """Whether the API server answers, and says that it is ready."""
        try:
            with self._open("GET", "/readyz", {}) as response:
                return response.status == http.client.OK
        except (OSError, http.client.HTTPException, RefusalError):
            return False

    def watch(self, path: str, version: str, timeout_s: int) -> Iterator[Object]:
        """Events since `version`; ends by itself after `timeout_s`."""
        query = {
            "watch": "1",
            "resourceVersion": version,
            "timeoutSeconds": str(timeout_s),
            "allowWatchBookmarks": "true",
        }
        with self._open("GET", path, query, timeout_s=timeout_s + TIMEOUT_S) as response:
            for line in response:
                yield json.loads(line)

    def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None = None,
        kind: str = "application/json",
    ) -> Object:
        sent = None if body is None else json.dumps(body).encode()
        with self._open(method, path, query, content=(kind, sent)) as response:
            found: Object = json.load(response)
            return found

    def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        content: tuple[str, bytes | None] = ("application/json", None),
        timeout_s: float = TIMEOUT_S,
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._context)
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        target = f"{path}?{urlencode(query)}" if query else path
        kind, body = content
        # close: the response then owns the socket, and its end closes both
        headers = {"Accept": "application/json", "Content-Type": kind, "Connection": "close", "User-Agent": MANAGER}
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        if response.status >= http.client.BAD_REQUEST:
            with response:
                raise RefusalError(response.status, _message(response.read()))
        return response


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]

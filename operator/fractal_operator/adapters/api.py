"""The API server, as this project talks to it: objects as JSON values, a deadline on every call, errors of our own.

The generated client is asked for connections, TLS and tokens only; its models cost memory and add nothing here.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient

from fractal_operator.adapters.api_config import build_connector, close_client, open_client
from fractal_operator.adapters.api_errors import LOST, ApiAway, NotFound, absence, refusal
from fractal_operator.adapters.line_cutter import LineCutter
from fractal_operator.core.names import FIELD_MANAGER, Object

TIMEOUT_S: Final = 10.0
CONNECT_S: Final = 5.0
MAX_LINE: Final = 65536

_JSON: Final = "application/json"
_APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"


class Api:
    """One a process, since connections are kept. Each call ends within its deadline, or raises ApiAway."""

    def __init__(self, client: ApiClient, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._timeout_s = timeout_s

    @classmethod
    async def connect(cls, *, user_agent: str) -> Self:
        """The API server of KUBECONFIG, or of this pod's cluster; NoClusterError when there is neither."""
        return cls(await open_client(user_agent))

    def within(self, timeout_s: float) -> "Api":
        """The same server and connections, with another deadline for each call."""
        return Api(self._client, timeout_s=timeout_s)

    @property
    def server(self) -> str:
        """The address of the API server."""
        return str(self._client.configuration.host)

    @property
    def user_agent(self) -> str:
        """What we call ourselves."""
        return str(self._client.user_agent)

    def connector(self) -> aiohttp.TCPConnector:
        """Connections of their own, for whoever speaks to the API server beside this class."""
        return build_connector(self._client)

    async def credentials(self) -> dict[str, str]:
        """The headers that say who we are; a ServiceAccount's token is read anew each minute."""
        token = await self._client.configuration.get_api_key_with_prefix("BearerToken")
        return {"Authorization": token} if token else {}

    async def get(self, path: str, **query: str) -> Object:
        """The object or list at `path`."""
        return await self._send("GET", path, query)

    async def pages(self, path: str, *, limit: int = 500, **query: str) -> AsyncIterator[Object]:
        """The collection at `path`, as List objects of at most `limit` items; ListExpired when that took too long."""
        token = ""
        while True:
            page = await self.get(path, limit=str(limit), **({"continue": token} if token else {}), **query)
            yield page
            token = page["metadata"].get("continue", "")
            if not token:
                return

    async def create(self, path: str, body: Object) -> Object:
        """The new object in the collection at `path`; AlreadyExists when its name is taken."""
        return await self._send("POST", path, {}, body)

    async def apply(self, path: str, body: Object, *, dry_run: bool = False) -> Object:
        """The object at `path`, made to hold what `body` says: server-side apply, ours by force."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        return await self._send("PATCH", path, query, body, kind=_APPLY)

    async def put(self, path: str, body: Object) -> Object:
        """The object at `path`, replaced; Conflict when `body` holds an older metadata.resourceVersion."""
        return await self._send("PUT", path, {}, body)

    async def merge(self, path: str, body: Object) -> Object:
        """The object at `path` after a JSON merge patch; Conflict when the patch holds an older resourceVersion."""
        return await self._send("PATCH", path, {}, body, kind=MERGE)

    async def delete(
        self, path: str, *, uid: str | None = None, grace_s: int | None = None, propagation: str | None = None
    ) -> None:
        """Return when the object is gone or going; Conflict when it is not the one with `uid`."""
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        if propagation is not None:
            options["propagationPolicy"] = propagation
        try:
            await self._send("DELETE", path, {}, options)
        except NotFound:
            return

    async def lines(self, path: str, *, max_line: int = MAX_LINE, **query: str) -> AsyncGenerator[bytes, None]:
        """The lines of a streamed answer as they come, without their ends; a longer one loses what is over `max_line`.

        It ends with the stream. There is no deadline but the connection's: the log of a silent pod does not even begin.
        Whoever iterates may be cancelled, and closes the iterator (contextlib.aclosing) when it leaves before the end.
        """
        cutter = LineCutter(max_line)
        async with self._open("GET", path, query, timeout_s=None) as response:
            async for chunk in response.content.iter_any():
                for line in cutter.cut(chunk):
                    yield line
            for line in cutter.rest():
                yield line

    async def close(self) -> None:
        """Let go of the connections."""
        await close_client(self._client)

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], body: Object | None = None, kind: str = _JSON
    ) -> Object:
        async with self._open(method, path, query, timeout_s=self._timeout_s, body=body, kind=kind) as response:
            return _parse(f"{method} {path}", await response.read())

    @asynccontextmanager
    async def _open(  # noqa: PLR0913 - a request has so many parts
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        timeout_s: float | None,
        body: Object | None = None,
        kind: str = _JSON,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        what = f"{method} {path}"
        url = f"{self._client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
        try:
            answer = await self._client.call_api(
                method, url, header_params=await self._headers(kind), body=body, _request_timeout=timeout
            )
            response: aiohttp.ClientResponse = answer.response
            try:
                if not response.ok:
                    raise refusal(what, response.status, await response.read())
                yield response
            finally:
                response.close()  # what was read to its end has given its connection back already
        except LOST as error:
            raise absence(what, error) from error

    async def _headers(self, kind: str) -> dict[str, str]:
        credentials = await self.credentials()
        return {**self._client.default_headers, "Accept": f"{_JSON}, */*", "Content-Type": kind, **credentials}


def _parse(what: str, body: bytes) -> Object:
    try:
        answer: Any = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):  # something in between answers, such as a proxy
        raise ApiAway(f"What answers {what} is no API server: {body[:80]!r}")
    return answer

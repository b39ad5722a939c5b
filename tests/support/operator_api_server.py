"""A small API server of the tests' own, over HTTP: objects by path, with versions, finalizers, pages and watches.

It stands for the real one where a test needs faults, or more of them than a cluster is good for.
"""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from fractal_operator.adapters.api import Api

Object = dict[str, Any]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def refusal(code: int, reason: str, message: str = "no") -> web.Response:
    return web.json_response({"kind": "Status", "reason": reason, "message": message}, status=code)


class ApiServer:
    """`objects` is what it has; `requests` what it was asked; `fault` may answer instead of it."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.requests: list[web.Request] = []
        self.fault: Fault | None = None
        self.forbidden: frozenset[str] = frozenset()
        self.changed = asyncio.Condition()
        self.log: list[tuple[int, str, str, Object]] = []
        self.versions = itertools.count(100)
        self.url = ""

    def put(self, path: str, body: Object) -> Object:
        """Keep an object as if somebody had written it."""
        kept = self.objects.get(path)
        version = next(self.versions)
        uid = kept["metadata"]["uid"] if kept else f"uid-{version}"
        metadata = {"uid": uid, **body.get("metadata", {})}
        metadata |= {"name": path.rpartition("/")[2], "resourceVersion": str(version)}
        stored = {**body, "metadata": {key: value for key, value in metadata.items() if value is not None}}
        for key, value in stored.pop("stringData", {}).items():
            stored.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
        self.objects[path] = stored
        self.log.append((version, "MODIFIED" if kept else "ADDED", path, stored))
        return stored

    def mark_for_deletion(self, path: str) -> None:
        """Delete an object, or mark it when it has finalizers."""
        body = self.objects[path]
        if body["metadata"].get("finalizers"):
            self.put(path, {**body, "metadata": {**body["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}})
        else:
            self.remove(path)

    def remove(self, path: str) -> None:
        self.log.append((next(self.versions), "DELETED", path, self.objects.pop(path)))

    async def tell(self) -> None:
        """Wake the watches after `put` or `remove`."""
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds after a request or a change; 30 s at most."""
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(condition)

    async def admit(self, request: web.Request) -> web.StreamResponse | None:
        """Decide by the head alone, as the real server does, when the body waits for "100 Continue"."""
        if request.path in self.forbidden:
            return refusal(403, "Forbidden")
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        await self.tell()
        if self.fault is not None and (answer := await self.fault(request)) is not None:
            return answer
        answer = await self._answer(request)
        await self.tell()
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        match request.method:
            case "GET" if request.query.get("watch"):
                return await self._watch(request)
            case "GET":
                return self._get(request)
            case "POST":
                return self._create(path, await request.json())
            case _ if path not in self.objects:
                if request.can_read_body:
                    await request.read()
                return refusal(404, "NotFound")
            case "PUT" | "PATCH":
                return self._change(path, await request.json(), merge=request.method == "PATCH")
            case _:
                return self._delete(path, await request.json())

    def _create(self, collection: str, body: Object) -> web.Response:
        path = f"{collection}/{body['metadata']['name']}"
        if path in self.objects:
            return refusal(409, "AlreadyExists")
        return web.json_response(self.put(path, body), status=201)

    def _delete(self, path: str, options: Object) -> web.Response:
        uid = options.get("preconditions", {}).get("uid")
        if uid is not None and uid != self.objects[path]["metadata"]["uid"]:
            return refusal(409, "Conflict")
        self.mark_for_deletion(path)
        return web.json_response({"kind": "Status"})

    def _get(self, request: web.Request) -> web.Response:
        if request.path in self.objects:
            return web.json_response(self.objects[request.path])
        items = self._items(request)
        if not items and not any(path.startswith(f"{request.path}/") for _, _, path, _ in self.log):
            return refusal(404, "NotFound")
        start = int(request.query.get("continue", 0))
        stop = start + int(request.query.get("limit", len(items) or 1))
        metadata = {"resourceVersion": str(next(self.versions))} | (
            {"continue": str(stop)} if stop < len(items) else {}
        )
        return web.json_response({"kind": "List", "metadata": metadata, "items": items[start:stop]})

    def _items(self, request: web.Request) -> list[Object]:
        name = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
        inside = [path for path in sorted(self.objects) if path.rpartition("/")[0] == request.path]
        return [self.objects[path] for path in inside if not name or path.endswith(f"/{name}")]

    def _change(self, path: str, body: Object, *, merge: bool) -> web.Response:
        kept = self.objects[path]
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, kept["metadata"]["resourceVersion"]):
            return refusal(409, "Conflict")
        stored = self.put(path, merged(kept, body) if merge else body)
        if "deletionTimestamp" in stored["metadata"] and not stored["metadata"].get("finalizers"):
            self.remove(path)
        return web.json_response(stored)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            for version, kind, path, body in list(self.log):
                if version > since and path.rpartition("/")[0] == request.path:
                    since = version
                    await response.write(json.dumps({"type": kind, "object": body}).encode() + b"\n")
            async with self.changed:
                await self.changed.wait()


def merged(kept: object, patch: object) -> Any:  # noqa: ANN401 - JSON
    """A JSON merge patch, applied."""
    if not isinstance(patch, dict):
        return patch
    known = kept if isinstance(kept, dict) else {}
    result = {key: value for key, value in known.items() if key not in patch}
    return result | {key: merged(known.get(key), value) for key, value in patch.items() if value is not None}


def write_kubeconfig(folder: Path, url: str) -> Path:
    """A kubeconfig that leads to the server, with a token."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "a-token"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


@asynccontextmanager
async def api_server() -> AsyncIterator[ApiServer]:
    """A running server on a free port of the loopback."""
    server = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle, expect_handler=server.admit)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The adapter, connected to it."""
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(folder, url)))
    api = await Api.connect(user_agent="fractal-test")
    try:
        yield api
    finally:
        await api.close()

"""An API server that knows only what gateway and commands ask of one, for tests of what they make of its answers.

The real clients talk to it over HTTP, so it stands at the adapters' boundary. It checks nothing that it is sent; tests
on a real cluster do that. It forwards ports too, to a port of this machine.
"""

import asyncio
import copy
import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import yaml
from aiohttp import WSMsgType, web

Object = dict[str, Any]
Result = TypeVar("Result")

JOBS: Final = "/apis/clusteredfractals.dev/v1alpha1/namespaces/{ns}/fractaljobs"
DATA, ERROR = b"\0", b"\1"


@dataclass(frozen=True, slots=True)
class Status(Exception):  # noqa: N818 - Kubernetes' own name
    code: int
    reason: str
    message: str


@dataclass(slots=True)
class FakeCluster:
    """Its state may be looked at and changed from any thread; `call` runs a change where the server runs."""

    installed: bool = True
    busy: bool = False
    tokens: dict[str, str] = field(default_factory=dict)
    """Whose token each is."""
    may: set[tuple[str, str]] = field(default_factory=set)
    """Users, with the namespaces where they may get FractalJobs."""
    forwards: dict[str, int] = field(default_factory=dict)
    """Names of the gateway's pods, with the port of this machine that each one's 8081 is."""
    may_forward: bool = True
    asked: list[tuple[str, Object]] = field(default_factory=list)
    """Every body that was posted, with its path."""
    url: str = ""
    _jobs: dict[tuple[str, str], Object] = field(default_factory=dict)
    _version: int = 100
    _watches: set[asyncio.Queue[Object | None]] = field(default_factory=set)
    _logs: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _written: asyncio.Condition = field(default_factory=asyncio.Condition)
    _watched: threading.Event = field(default_factory=threading.Event)
    _read: dict[str, threading.Event] = field(default_factory=lambda: defaultdict(threading.Event))
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._runner is not None
        assert self._thread is not None
        self.call(self._stop(self._runner))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def kubeconfig(self, folder: Path, *, namespace: str = "art", token: str = "") -> Path:
        """A kubeconfig of this server, written into the folder."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": token} if token else {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        }
        file = folder / "kubeconfig"
        file.write_text(yaml.safe_dump(content))
        return file

    # ---- jobs

    def put(
        self, name: str, *, namespace: str = "art", spec: Object | None = None, status: Object | None = None
    ) -> Object:
        """A job, made or changed; what is None stays as it is."""

        async def change() -> Object:
            old = self._jobs.get((namespace, name))
            job = copy.deepcopy(old) if old else _new(namespace, name)
            job["spec"] = job["spec"] if spec is None else spec
            job["status"] = job["status"] if status is None else status
            return self._store(job, "MODIFIED" if old else "ADDED")

        return self.call(change())

    def delete(self, name: str, namespace: str = "art") -> None:
        async def change() -> None:
            self._tell("DELETED", self._jobs.pop((namespace, name)))

        self.call(change())

    def job(self, name: str, namespace: str = "art") -> Object:
        return self._jobs[namespace, name]

    def expire_watches(self) -> None:
        """End every watch with an error, as a server does whose memory isn't long enough."""

        async def change() -> None:
            for watch in self._watches:
                watch.put_nowait({"type": "ERROR", "object": {"kind": "Status", "code": 410}})
                watch.put_nowait(None)

        self.call(change())

    # ---- logs

    def log(self, world: str, *lines: str) -> None:
        """Lines of the log of the world's master, each with the next millisecond as its time.

        The log of "NAME before" is that of the container before the present one.
        """

        async def change() -> None:
            async with self._written:
                log = self._logs[world]
                log += [
                    f"2026-11-27T07:00:00.{len(log) + number:03}000000Z {line}" for number, line in enumerate(lines)
                ]
                self._written.notify_all()

        self.call(change())

    def await_watch(self) -> None:
        """Return when somebody watches a job."""
        assert self._watched.wait(20), "nobody watches"

    def await_reader(self, world: str) -> None:
        """Return when somebody reads the log of that world."""
        assert self._read[world].wait(20), f"nobody reads the log of {world}"

    # ---- the server

    async def _stop(self, runner: web.AppRunner) -> None:
        for watch in self._watches:
            watch.put_nowait(None)
        await runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _start(self) -> None:
        app = web.Application()
        jobs = JOBS.format(ns="{ns}")
        app.add_routes(
            [
                web.get(jobs, self._answer(self._list)),
                web.post(jobs, self._answer(self._create)),
                web.get(f"{jobs}/{{name}}", self._answer(self._get)),
                web.post("/apis/authentication.k8s.io/v1/tokenreviews", self._answer(self._review_token)),
                web.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", self._answer(self._review_access)),
                web.get("/api/v1/namespaces/{ns}/pods", self._answer(self._pods)),
                web.get("/api/v1/namespaces/{world}/pods/mpi-node-0/log", self._answer(self._log)),
                web.get("/api/v1/namespaces/{ns}/pods/{pod}/portforward", self._answer(self._forward)),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def _answer(
        self, handler: Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]
    ) -> Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            if self.busy:
                return _status(Status(503, "ServiceUnavailable", "etcd is away"))
            if not self.installed and "clusteredfractals" in request.path:
                return web.Response(status=404, text="404 page not found\n")
            if request.method == "POST":
                self.asked.append((request.path, await request.json()))
            try:
                return await handler(request)
            except Status as status:
                return _status(status)

        return answer

    async def _list(self, request: web.Request) -> web.StreamResponse:
        namespace = request.match_info["ns"]
        if request.query.get("watch") == "true":
            return await self._watch(request, namespace, request.query["fieldSelector"].partition("=")[2])
        items = [job for (ns, _), job in self._jobs.items() if ns == namespace]
        return web.json_response({"metadata": {"resourceVersion": str(self._version)}, "items": items})

    async def _watch(self, request: web.Request, namespace: str, name: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[Object | None] = asyncio.Queue()
        job = self._jobs.get((namespace, name))
        if job is not None and int(job["metadata"]["resourceVersion"]) > int(request.query["resourceVersion"]):
            queue.put_nowait({"type": "MODIFIED", "object": job})
        self._watches.add(queue)
        self._watched.set()
        try:
            while (event := await queue.get()) is not None:
                metadata = event["object"].get("metadata", {"namespace": namespace, "name": name})
                if (metadata["namespace"], metadata["name"]) == (namespace, name):
                    await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self._watches.discard(queue)
        return response

    async def _create(self, request: web.Request) -> web.StreamResponse:
        namespace, body = request.match_info["ns"], await request.json()
        metadata = body["metadata"]
        if namespace == "nowhere":
            raise Status(404, "NotFound", 'namespaces "nowhere" not found')
        name = metadata.get("name") or f"{metadata['generateName']}x7k2p"
        if (namespace, name) in self._jobs:
            raise Status(409, "AlreadyExists", f'fractaljobs.clusteredfractals.dev "{name}" already exists')
        job = _new(namespace, name)
        job["metadata"] |= {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
        job["spec"] = body["spec"]
        return web.json_response(self._store(job, "ADDED"), status=201)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        job = self._jobs.get((request.match_info["ns"], name))
        if job is None:
            raise Status(404, "NotFound", f'fractaljobs.clusteredfractals.dev "{name}" not found')
        return web.json_response(job)

    async def _review_token(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        user = self.tokens.get(body["spec"]["token"])
        known = {"authenticated": True, "user": {"username": user, "uid": "1", "groups": ["system:authenticated"]}}
        return web.json_response({**body, "status": known if user else {"error": "not known"}}, status=201)

    async def _review_access(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        spec = body["spec"]
        allowed = (spec["user"], spec["resourceAttributes"]["namespace"]) in self.may
        return web.json_response({**body, "status": {"allowed": allowed}}, status=201)

    async def _pods(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 - the same everywhere
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        return web.json_response({"items": [{"metadata": {"name": name}, "status": ready} for name in self.forwards]})

    async def _log(self, request: web.Request) -> web.StreamResponse:
        world = request.match_info["world"]
        if request.query.get("previous") == "true":
            world = f"{world} before"
            if world not in self._logs:
                raise Status(400, "BadRequest", "previous terminated container not found")
        if world not in self._logs:
            raise Status(404, "NotFound", 'pods "mpi-node-0" not found')
        response = web.StreamResponse()
        await response.prepare(request)
        self._read[world].set()
        sent = 0
        while True:
            log = self._logs[world]
            for line in log[sent:]:
                await response.write(line.encode() + b"\n")
            sent = len(log)
            if request.query.get("follow") != "true":
                return response
            async with self._written:
                while len(log) == sent:
                    await self._written.wait()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if not self.may_forward:
            raise Status(403, "Forbidden", "pods is forbidden: you cannot create pods/portforward")
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        port = int(request.query["ports"]).to_bytes(2, "little")
        await socket.send_bytes(DATA + port)
        await socket.send_bytes(ERROR + port)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.forwards[request.match_info["pod"]])
        except OSError:
            await socket.send_bytes(ERROR + b"connection refused")
            return socket
        back = asyncio.create_task(_copy_back(reader, socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY and message.data[:1] == DATA:
                    writer.write(message.data[1:])
        finally:
            back.cancel()
            writer.close()
        return socket

    def _store(self, job: Object, event: str) -> Object:
        self._version += 1
        job["metadata"]["resourceVersion"] = str(self._version)
        self._jobs[job["metadata"]["namespace"], job["metadata"]["name"]] = job
        self._tell(event, job)
        return job

    def _tell(self, event: str, job: Object) -> None:
        for watch in self._watches:
            watch.put_nowait({"type": event, "object": copy.deepcopy(job)})


async def _copy_back(reader: asyncio.StreamReader, socket: web.WebSocketResponse) -> None:
    while data := await reader.read(1 << 16):
        await socket.send_bytes(DATA + data)
    await socket.close()


def _new(namespace: str, name: str) -> Object:
    metadata = {
        "namespace": namespace,
        "name": name,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{name}")),
        "creationTimestamp": "2026-11-27T07:00:00Z",
        "managedFields": [{"manager": "test"}],
    }
    return {
        "apiVersion": "clusteredfractals.dev/v1alpha1",
        "kind": "FractalJob",
        "metadata": metadata,
        "spec": {"fractal": {}},
        "status": {},
    }


def _status(status: Status) -> web.Response:
    body = {
        "kind": "Status",
        "status": "Failure",
        "reason": status.reason,
        "message": status.message,
        "code": status.code,
    }
    return web.json_response(body, status=status.code)

"""The API server's part for FractalJobs, in memory: versions, conflicts, watches that may lag. It judges each write.

`ApiOf` is what one operator sees of it: every call may be its last, before or after the call's effect.
"""

import asyncio
import copy
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar

from support.operator_clockwork import BEGINNING

from fractal_operator.adapters.api_errors import AlreadyExists, ApiAway, Conflict, Forbidden, NotFound
from fractal_operator.core import paths
from fractal_operator.core.names import ARRIVAL, Object

NAMESPACE: Final = "art"
CALL_S: Final = 0.005

T = TypeVar("T")
Listener = Callable[[str | None, Object], None]


@dataclass
class JobServer:
    """All FractalJobs, and what was written."""

    jobs: dict[str, Object] = field(default_factory=dict)
    events: dict[str, Object] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=lambda: {NAMESPACE: {}})
    listeners: list[Listener] = field(default_factory=list)
    judges: list[Callable[[object, Object, Object], None]] = field(default_factory=list)
    writes: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False
    mute: int = 0
    """So many statuses are written without an answer."""
    forbidding: bool = False
    takes_events: bool = True
    versions: "itertools.count[int]" = field(default_factory=lambda: itertools.count(100))
    version: int = 99

    # ---- for people ------------------------------------------------------------------------------------------------

    def create(self, name: str, spec: Object, **metadata: object) -> Object:
        time = BEGINNING + timedelta(seconds=asyncio.get_running_loop().time())
        job = {
            "apiVersion": "clusteredfractals.dev/v1alpha1",
            "kind": "FractalJob",
            "metadata": {
                "namespace": NAMESPACE,
                "name": name,
                "uid": f"uid-{name}-{next(self.versions)}",
                "generation": 1,
                "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "annotations": {ARRIVAL: time.isoformat()},
                **metadata,
            },
            "spec": spec,
        }
        self._keep(job)
        self._tell("ADDED", job)
        return job

    def edit(self, name: str, change: Callable[[Object], None]) -> None:
        job = copy.deepcopy(self.jobs[name])
        change(job["spec"])
        job["metadata"]["generation"] += 1
        self._keep(job)
        self._tell("MODIFIED", job)

    def remove(self, name: str) -> None:
        job = self.jobs.pop(name)
        self._stamp(job)
        self._tell("DELETED", job)

    # ---- for operators ---------------------------------------------------------------------------------------------

    def read(self, path: str) -> Object:
        return copy.deepcopy(self._find(path))

    def put_status(self, path: str, body: Object, by: object) -> Object:
        job = self._find(path.removesuffix("/status"))
        # Without a version it is written whatever was there: no CRD allows that, but a mutant may.
        if body["metadata"].get("resourceVersion", job["metadata"]["resourceVersion"]) != _version(job):
            raise Conflict("the object has been modified")
        if body["metadata"]["uid"] != job["metadata"]["uid"]:
            raise Conflict("it is another object")
        fresh = copy.deepcopy(job) | {"status": copy.deepcopy(body["status"])}
        for judge in self.judges:
            judge(by, job, fresh)
        self._keep(fresh)
        self.writes.append((fresh["metadata"]["name"], fresh["status"].get("phase", "")))
        self._tell("MODIFIED", fresh)
        return copy.deepcopy(fresh)

    def create_event(self, body: Object) -> Object:
        name = body["metadata"]["name"]
        if not self.takes_events:
            raise ApiAway("a webhook doesn't answer")
        if name in self.events:
            raise AlreadyExists("it is there")
        self.events[name] = body
        return body

    def delete(self, path: str, uid: str | None) -> None:
        try:
            job = self._find(path)
        except NotFound:
            return
        if uid is not None and job["metadata"]["uid"] != uid:
            raise Conflict("it is another object")
        self.remove(job["metadata"]["name"])

    def items(self, path: str) -> list[Object]:
        if path == paths.NAMESPACES:
            return [{"metadata": {"name": name, "labels": labels}} for name, labels in self.namespaces.items()]
        return [copy.deepcopy(job) for job in self.jobs.values()]

    def _find(self, path: str) -> Object:
        job = self.jobs.get(path.rpartition("/")[2])
        if job is None:
            raise NotFound("there is none")
        return job

    def _stamp(self, job: Object) -> None:
        self.version = next(self.versions)
        job["metadata"]["resourceVersion"] = str(self.version)

    def _keep(self, job: Object) -> None:
        self._stamp(job)
        self.jobs[job["metadata"]["name"]] = job

    def _tell(self, kind: str, job: Object) -> None:
        for listener in tuple(self.listeners):
            listener(kind, copy.deepcopy(job))


class ApiOf:
    """The API server as one operator, `who`, reaches it; `gate` is passed before and after each effect."""

    def __init__(self, server: JobServer, gate: Callable[[str], Awaitable[None]], who: object) -> None:
        self._server = server
        self._gate = gate
        self._who = who

    async def get(self, path: str, **_: str) -> Object:
        return await self._do("get", lambda: self._server.read(path))

    async def put(self, path: str, body: Object) -> Object:
        return await self._do("put", lambda: self._server.put_status(path, body, self._who))

    async def create(self, path: str, body: Object) -> Object:
        del path
        return await self._do("create", lambda: self._server.create_event(body))

    async def delete(
        self, path: str, *, uid: str | None = None, grace_s: int | None = None, propagation: str | None = None
    ) -> None:
        del grace_s, propagation
        await self._do("delete", lambda: self._server.delete(path, uid))

    async def pages(self, path: str, *, limit: int = 500, **_: str) -> AsyncIterator[Object]:
        del limit
        version = {"resourceVersion": str(self._server.version)}
        yield {"metadata": version, "items": await self._do("list", lambda: self._server.items(path))}

    async def _do(self, what: str, effect: Callable[[], T]) -> T:
        await self._gate(f"before {what}")
        if self._server.away:
            raise ApiAway("the API server does not answer")
        if self._server.forbidding:
            raise Forbidden("this identity may not do that")
        try:
            done = effect()
        finally:
            await self._gate(f"after {what}")
        if what == "put" and self._server.mute:
            self._server.mute -= 1
            raise ApiAway("the connection broke before the answer came")
        return done


def _version(job: Object) -> str:
    return str(job["metadata"]["resourceVersion"])

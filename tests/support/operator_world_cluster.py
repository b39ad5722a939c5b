"""An API server in memory, with a controller of StatefulSets: the fake at the boundary of those who keep worlds.

It applies by replacing what was sent, counts versions, answers as the real one where keepers depend on it, and tells
every change to whoever listens. Of server-side apply's owners of fields it knows nothing: the real cluster's tests do.
"""

import asyncio
import copy
import itertools
from typing import TYPE_CHECKING, Any

from support.operator_worlds import pod_object

from fractal_operator.adapters.api_errors import AlreadyExists, Conflict, Immutable, Invalid, NotFound
from fractal_operator.core.names import REVISION, WORLD_SET
from fractal_operator.core.worlds import Quarantine, WorldView

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]

KINDS = {
    "namespaces": "Namespace",
    "pods": "Pod",
    "services": "Service",
    "secrets": "Secret",
    "statefulsets": "StatefulSet",
    "networkpolicies": "NetworkPolicy",
    "rolebindings": "RoleBinding",
    "fractalnamespaces": "FractalNamespace",
    "events": "Event",
}


class FakeCluster:
    """Objects by their paths. `tell` gets kind, event type and object of each change; `calls` are the writes so far.

    The spec of an object at one of the `fixed` paths can't be changed.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.calls: list[tuple[str, str]] = []
        self.tell: Callable[[str, str, Object], None] = lambda *_: None
        self.refuses: dict[str, Exception] = {}
        self.fixed: set[str] = set()
        self.stuck = False
        self.forbids_pods = False
        self.blind: Exception | None = None
        self._versions = itertools.count(100)

    # ---- as Api ----------------------------------------------------------------------------------------------------

    async def get(self, path: str, **_: str) -> Object:
        await asyncio.sleep(0)
        if self.blind is not None and path != "/api/v1/namespaces":
            raise self.blind
        if path in self.objects:
            return copy.deepcopy(self.objects[path])
        if path.rpartition("/")[2] in KINDS:
            items = [copy.deepcopy(obj) for name, obj in self.objects.items() if name.rpartition("/")[0] == path]
            return {"metadata": {"resourceVersion": str(next(self._versions))}, "items": items}
        raise NotFound(f"GET {path} answers 404: not found")

    async def create(self, path: str, body: Object) -> Object:
        target = f"{path}/{body['metadata']['name']}"
        self._write("create", target)
        if target in self.objects:
            raise AlreadyExists(f"{target} exists")
        return self._store(target, body)

    async def apply(self, path: str, body: Object, *, dry_run: bool = False) -> Object:
        if dry_run:
            self._refuse(path)
            return copy.deepcopy(body)
        self._write("apply", path)
        before = self.objects.get(path)
        if before is not None and path in self.fixed and before["spec"] != body["spec"]:
            raise Immutable(f"PATCH {path} answers 422 Invalid: field is immutable")
        wanted = copy.deepcopy(body)
        if before is not None:
            kept = {key: before["metadata"][key] for key in ("uid", "deletionTimestamp") if key in before["metadata"]}
            wanted["metadata"] |= kept
            if "status" in before:
                wanted["status"] = before["status"]
        return self._store(path, wanted)

    async def merge(self, path: str, body: Object) -> Object:
        self._write("merge", path)
        target = path.removesuffix("/status")
        if target not in self.objects:
            raise NotFound(f"PATCH {path} answers 404")
        found = copy.deepcopy(self.objects[target])
        asked = body.get("metadata", {}).get("resourceVersion")
        if asked not in {None, found["metadata"]["resourceVersion"]}:
            raise Conflict(f"{target} has changed")
        return self._store(target, _merged(found, body))

    async def delete(self, path: str, *, uid: str | None = None, **_: object) -> None:
        self._write("delete", path)
        found = self.objects.get(path)
        if found is None:
            return
        if uid is not None and found["metadata"]["uid"] != uid:
            raise Conflict(f"{path} is another one")
        self.remove(path)

    # ---- as somebody else ------------------------------------------------------------------------------------------

    def put(self, path: str, body: Object) -> Object:
        """Somebody makes or changes an object."""
        return self._store(path, body)

    def remove(self, path: str) -> None:
        """Somebody deletes an object; a StatefulSet takes its pods along, and replaces those that are deleted."""
        gone = self.objects.pop(path, None)
        if gone is None:
            return
        gone["metadata"]["resourceVersion"] = str(next(self._versions))
        self._announce("DELETED", path, gone)
        self._control(path)

    def pods_of(self, world: str) -> list[str]:
        """The names of a world's pods."""
        prefix = f"/api/v1/namespaces/{world}/pods/"
        return sorted(path.removeprefix(prefix) for path in self.objects if path.startswith(prefix))

    def written(self, verb: str, part: str) -> int:
        """How many writes there were of that kind."""
        return sum(done == verb and part in path for done, path in self.calls)

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _write(self, verb: str, path: str) -> None:
        self.calls.append((verb, path))
        self._refuse(path)

    def _refuse(self, path: str) -> None:
        for part, error in self.refuses.items():
            if part in path:
                raise error

    def _store(self, path: str, body: Object) -> Object:
        found = copy.deepcopy(body)
        known = path in self.objects
        same = known and _content(self.objects[path]) == _content(found)
        if same:
            return copy.deepcopy(self.objects[path])
        found["metadata"].setdefault("uid", f"uid-{next(self._versions)}")
        found["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[path] = found
        self._announce("MODIFIED" if known else "ADDED", path, found)
        self._control(path)
        return copy.deepcopy(self.objects[path])

    def _announce(self, event_type: str, path: str, obj: Object) -> None:
        self.tell(KINDS[path.split("/")[-2]], event_type, copy.deepcopy(obj))

    def _control(self, path: str) -> None:
        """What the controller of StatefulSets does about a change."""
        parts = path.split("/")
        if parts[-2] not in {"statefulsets", "pods"}:
            return
        world = parts[-3]
        found = self.objects.get(f"/apis/apps/v1/namespaces/{world}/statefulsets/{WORLD_SET}")
        wanted = int(found["spec"]["replicas"]) if found else 0
        pods = f"/api/v1/namespaces/{world}/pods"
        for name in self.pods_of(world):
            if int(name.rpartition("-")[2]) >= wanted:
                self.remove(f"{pods}/{name}")
        for number in range(0 if self.forbids_pods else wanted):
            pod = f"{pods}/{WORLD_SET}-{number}"
            if pod not in self.objects and found is not None:
                revision = found["spec"]["template"]["metadata"]["annotations"][REVISION]
                uid = f"pod-{next(self._versions)}"
                self._store(pod, pod_object(world, number, revision=revision, ready=not self.stuck, uid=uid))


class FakeBoard:
    """The job side, as a test tells it."""

    def __init__(self) -> None:
        self.views: list[WorldView] = []
        self.dropped: list[str] = []
        self.interrupted: list[str] = []
        self.quarantine: Quarantine | None = None
        self.known = asyncio.Event()
        self.known.set()
        self._job: str | None = None
        self._bell = asyncio.Event()

    @property
    def view(self) -> WorldView:
        """The world as it was told last."""
        return self.views[-1]

    def assign(self, job: str | None) -> None:
        """A job gets the world, or lets it go."""
        self._job = job
        self._bell.set()

    async def listed(self) -> None:
        await self.known.wait()

    def put_world(self, view: WorldView) -> None:
        if not self.views:
            self.quarantine = view.quarantine  # which an earlier leader has written
        self.views.append(view)

    def drop_world(self, name: str) -> None:
        self.dropped.append(name)

    def job_on(self, name: str) -> str | None:  # noqa: ARG002 - there is one world
        return self._job

    def interrupt(self, name: str, message: str) -> None:  # noqa: ARG002 - there is one world
        self.interrupted.append(message)
        self.assign(None)

    def quarantine_of(self, name: str) -> Quarantine | None:  # noqa: ARG002 - there is one world
        return self.quarantine

    def lift_quarantine(self, name: str) -> None:  # noqa: ARG002 - there is one world
        self.quarantine = None

    async def changed(self, name: str) -> None:  # noqa: ARG002 - there is one world
        await self._bell.wait()
        self._bell.clear()


def refuse(words: str) -> Invalid:
    """What the real API server's refusal becomes."""
    return Invalid(f"The API server answers PATCH /x with 422 Invalid: {words}")


def _content(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in {"resourceVersion", "uid"}}
    return {**obj, "metadata": metadata}


def _merged(found: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON values
    if not isinstance(patch, dict) or not isinstance(found, dict):
        return patch
    kept = {key: value for key, value in found.items() if key not in patch}
    return kept | {key: _merged(found.get(key), value) for key, value in patch.items() if value is not None}

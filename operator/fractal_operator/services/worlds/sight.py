"""What is seen of a world's StatefulSet and pods: lists once in a while, events in between."""

from typing import TYPE_CHECKING, Final

from fractal_api.errors import FractalError
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import NotFound
from fractal_operator.core import paths
from fractal_operator.core.names import REVISION, WORLD_SET, Object
from fractal_operator.core.world_plan import pod_selector
from fractal_operator.core.world_scene import PodSeen, SetSeen, see_pod, see_set

if TYPE_CHECKING:
    from fractal_operator.services.worlds.kept import Kept

RELIST_S: Final = 60.0
"""After a watch was interrupted nobody tells what vanished meanwhile; a list does."""


class Sight:
    """One world's StatefulSet and pods. `kept` is the StatefulSet as we last applied it."""

    def __init__(self, api: Api, world: str) -> None:
        self._api = api
        self._world = world
        self._set: Object | None = None
        self._pods: dict[str, Object] = {}
        self._listed_at = float("-inf")
        self.kept: Kept | None = None
        self.complaint = ""

    async def refresh(self, now: float) -> None:
        """Look at all of it, unless that was done a short while ago."""
        if 0 <= now - self._listed_at < RELIST_S:
            return
        try:
            found: Object | None = await self._api.get(f"{paths.stateful_sets(self._world)}/{WORLD_SET}")
        except NotFound:
            found = None
        page = await self._api.get(paths.pods(self._world), labelSelector=pod_selector(self._world))
        as_of = version(page)
        listed = {pod["metadata"]["name"]: pod for pod in page["items"]}
        newer = {name: pod for name, pod in self._pods.items() if version(pod) > as_of}
        self._pods = {**listed, **newer}
        if found is None or version(found) > version(self._set):
            self._set = found
        self._listed_at = now

    @property
    def missing(self) -> bool:
        """Whether there are fewer pods than the StatefulSet is to have."""
        return self._set is not None and len(self._pods) < see_set(self._set).replicas

    async def ask_why(self) -> None:
        """Learn why pods are not made, which only an Event tells: a quota, say, or a PriorityClass that isn't there."""
        self.complaint = ""
        if self._set is None or not self.missing:
            return
        chosen = f"involvedObject.kind=StatefulSet,involvedObject.name={WORLD_SET},type=Warning,reason=FailedCreate"
        try:
            found = await self._api.get(paths.events(self._world), fieldSelector=chosen)
        except FractalError:  # it would be good to know, and no more
            return
        uid = self._set["metadata"]["uid"]
        told = [event for event in found["items"] if event["involvedObject"].get("uid") == uid]
        if told:
            self.complaint = max(told, key=_told_at).get("message", "")

    def forget(self) -> None:
        """Look at all of it at once, the next time: the namespace is another one."""
        self._listed_at = float("-inf")
        self._set, self._pods, self.kept = None, {}, None

    def put_set(self, obj: Object) -> None:
        """Take notice of the StatefulSet."""
        if version(obj) >= version(self._set):
            self._set = obj

    def observe(self, kind: str, obj: Object, *, gone: bool) -> bool:
        """Take notice of an event; whether it was about the StatefulSet or a pod of the world."""
        name = obj["metadata"]["name"]
        match kind:
            case "StatefulSet" if name == WORLD_SET:
                if not gone:
                    self.put_set(obj)
                elif self._set is not None and _same(self._set, obj):
                    self._set = None
            case "Pod":
                known = self._pods.get(name)
                if not gone and version(obj) >= version(known):
                    self._pods[name] = obj
                elif gone and known is not None and _same(known, obj):
                    del self._pods[name]
            case _:
                return False
        return True

    def found_set(self, wanted_revision: str) -> SetSeen | None:
        """The StatefulSet. One of the wanted revision that was not applied by this process may have been changed."""
        if self._set is None:
            return None
        seen = see_set(self._set)
        if self.kept is not None and self.kept.wanted["metadata"]["annotations"][REVISION] == seen.revision:
            return see_set(self._set, drifted=self.kept.drifted(self._set))
        return see_set(self._set, drifted=seen.revision == wanted_revision)

    @property
    def secret_name(self) -> str:
        """The Secret that the StatefulSet's pods get; empty when that can't be read."""
        spec = (((self._set or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
        named = [volume["secret"].get("secretName", "") for volume in spec.get("volumes") or () if "secret" in volume]
        ours = [name for name in named if name.startswith(f"{WORLD_SET}-")]
        return str(ours[0]) if ours else ""

    def pods(self) -> tuple[PodSeen, ...]:
        """The pods."""
        return tuple(see_pod(pod) for _, pod in sorted(self._pods.items()))


def _told_at(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def version(obj: Object | None) -> int:
    """How new an object or list is, as its API server counts."""
    text = str(((obj or {}).get("metadata") or {}).get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0


def _same(one: Object, other: Object) -> bool:
    return bool(one["metadata"].get("uid") == other["metadata"].get("uid"))

"""A stage for keepers of worlds: one world, its keepers, a fake of the API server and one of the job side."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from support.operator_world_cluster import FakeBoard, FakeCluster
from support.operator_worlds import HOME, world_object

from fractal_operator.core.names import WORLD_SET
from fractal_operator.services.worlds.keepers import WorldKeepers
from fractal_operator.services.worlds.tools import Tools

if TYPE_CHECKING:
    from fractal_operator.adapters.api import Api

Object = dict[str, Any]

WORLD = "/apis/clusteredfractals.dev/v1alpha1/fractalnamespaces/w1"
NAMESPACE = "/api/v1/namespaces/w1"
SET = f"/apis/apps/v1/namespaces/w1/statefulsets/{WORLD_SET}"
SERVICE = f"{NAMESPACE}/services/{WORLD_SET}"
WALL = "/apis/networking.k8s.io/v1/namespaces/w1/networkpolicies/world"


@dataclass
class WorldStage:
    """One world `w1`, its keepers, and whom they talk to."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    board: FakeBoard = field(default_factory=FakeBoard)
    farewell: asyncio.Event = field(default_factory=asyncio.Event)
    store: str = "redis://world:pw@redis.clusteredfractals.svc:6379/0"
    ahead_s: float = 0.0
    _begun: list[WorldKeepers] = field(default_factory=list)

    @property
    def keepers(self) -> WorldKeepers:
        """Those that were there first."""
        return self._begun[0]

    def succeed(self) -> WorldKeepers:
        """Keepers of a new leader, who are told of all that happens from now on."""
        loop = asyncio.get_running_loop()

        async def store() -> str:
            return self.store

        async def pepper() -> str:
            return "known to few"

        tools = Tools(
            api=cast("Api", self.cluster),
            board=self.board,
            home=HOME,
            store=store,
            pepper=pepper,
            farewell=self.farewell,
            clock=lambda: loop.time() + self.ahead_s,
        )
        keepers = WorldKeepers(tools)

        def tell(kind: str, event_type: str, obj: Object) -> None:
            if kind == "FractalNamespace":
                keepers.observe_world(event_type, obj)
            else:
                keepers.observe_child(kind, event_type, obj)

        self.cluster.tell = tell
        self._begun.append(keepers)
        return keepers

    async def close(self) -> None:
        """Let all of them end."""
        for keepers in self._begun:
            await keepers.close()

    def ask(self, **spec: Any) -> None:  # noqa: ANN401 - any field
        """Somebody applies the FractalNamespace."""
        self.cluster.put(WORLD, world_object(**spec))

    def edit(self, path: str, change: Callable[[Object], object]) -> None:
        """Somebody edits an object."""
        obj = copy.deepcopy(self.cluster.objects[path])
        change(obj)
        self.cluster.put(path, obj)

    def leave(self) -> None:
        """Somebody deletes the FractalNamespace, which a finalizer keeps."""
        self.edit(WORLD, lambda obj: obj["metadata"].update(deletionTimestamp="1970-01-01T00:00:00Z"))

    def ready(self) -> tuple[str, str]:
        """Status and reason of the condition Ready."""
        status = self.cluster.objects[WORLD].get("status", {})
        found: Object = next((each for each in status.get("conditions", ()) if each["type"] == "Ready"), {})
        return found.get("status", ""), found.get("reason", "")

    async def until(self, holds: Callable[[], bool], what: str, within_s: float = 30.0) -> None:
        """Return when it holds; an AssertionError that says `what` should have been."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():  # noqa: ASYNC110 - it is asked of what a fake was told
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what}; {self.cluster.objects.get(WORLD)}") from None

    async def until_ready(self) -> None:
        """Return when runs may begin there."""
        await self.until(lambda: self.ready() == ("True", "WorldReady") and self.board.view.takes_runs, "ready")


@asynccontextmanager
async def unasked() -> AsyncIterator[WorldStage]:
    """Keepers without a world."""
    stage = WorldStage()
    stage.succeed()
    try:
        yield stage
    finally:
        await stage.close()


@asynccontextmanager
async def staged(**spec: Any) -> AsyncIterator[WorldStage]:  # noqa: ANN401 - any field
    """A world that is ready."""
    async with unasked() as stage:
        stage.ask(**spec)
        await stage.until_ready()
        yield stage

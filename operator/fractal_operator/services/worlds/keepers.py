"""All worlds: who keeps which, and where news of Kubernetes go."""

import asyncio
import contextlib
import logging
from typing import Final

from fractal_api.errors import TemporaryError
from fractal_operator.core.names import Object
from fractal_operator.core.world_scene import PodSeen
from fractal_operator.services.worlds.keeper import Keeper
from fractal_operator.services.worlds.tools import Tools

DELETED: Final = "DELETED"

logger: Final = logging.getLogger(__name__)


class UnknownWorld(TemporaryError):  # noqa: N818 - it names what there isn't
    """There is no such world, yet or any more."""


class WorldKeepers:
    """A keeper for each FractalNamespace, in a task of its own. The methods return at once unless they are awaited."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._keepers: dict[str, Keeper] = {}
        self._tasks: dict[Keeper, asyncio.Task[None]] = {}

    def observe_world(self, event_type: str | None, obj: Object) -> None:
        """Take notice of a FractalNamespace."""
        name, uid = obj["metadata"]["name"], obj["metadata"]["uid"]
        keeper = self._keepers.get(name)
        if event_type == DELETED:
            if keeper is not None and keeper.uid == uid:
                self._end(keeper)
            return
        if keeper is not None and keeper.uid != uid:
            self._end(keeper)
            keeper = None
        if keeper is None:
            self._begin(obj)
        else:
            keeper.observe(obj)

    def observe_child(self, kind: str, event_type: str | None, obj: Object) -> None:
        """Take notice of a Namespace, StatefulSet, Pod, Service, NetworkPolicy or RoleBinding, whosever it is."""
        metadata = obj["metadata"]
        world = metadata["name"] if kind == "Namespace" else metadata.get("namespace", "")
        keeper = self._keepers.get(world)
        if keeper is not None:
            keeper.observe_child(kind, obj, gone=event_type == DELETED)

    def tell(self, world: str, words: str) -> None:
        """Take notice of what a world's agent says of it, for people; empty when there is nothing to say."""
        if (keeper := self._keepers.get(world)) is not None:
            keeper.tell(words)

    def incarnation(self, world: str, uid: str) -> str:
        """What the agent in the pod of that uid is called now; empty when there is no such pod any more."""
        keeper = self._keepers.get(world)
        return keeper.incarnation(uid) if keeper is not None else ""

    async def agent(self, world: str) -> PodSeen:
        """The pod with the world's agent, as soon as it has an address."""
        keeper = self._keepers.get(world)
        if keeper is None:
            raise UnknownWorld(f"the world {world} is not kept here")
        return await keeper.agent()

    async def released(self, world: str, uid: str, *, within_s: float) -> bool:
        """Whether the world may go, or went: its runs are over, or had their time. It is waited for so long."""
        keeper = self._keepers.get(world)
        if keeper is None or keeper.uid != uid:
            return True
        farewell = asyncio.create_task(self._tools.farewell.wait())
        going = asyncio.create_task(keeper.released.wait())
        try:
            await asyncio.wait({farewell, going}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (farewell, going):
                task.cancel()
        return keeper.released.is_set() or self._tools.farewell.is_set()

    async def close(self) -> None:
        """Let go of all worlds, which stay as they are."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._keepers.clear()

    def _begin(self, obj: Object) -> None:
        keeper = Keeper(self._tools, obj)
        self._keepers[keeper.name] = keeper
        task = asyncio.create_task(keeper.run(), name=f"keeper of {keeper.name}")
        self._tasks[keeper] = task
        task.add_done_callback(lambda _: self._tasks.pop(keeper, None))

    def _end(self, keeper: Keeper) -> None:
        """The FractalNamespace is gone, whoever let it go."""
        del self._keepers[keeper.name]
        if (task := self._tasks.get(keeper)) is not None:
            task.cancel()
        if not keeper.released.is_set():
            self._tools.board.drop_world(keeper.name)

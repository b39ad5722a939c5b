"""What a world stands on: its Namespace, the rights in it, Service and wall."""

from typing import Final

from fractal_operator.adapters.api_errors import AlreadyExists, NotFound
from fractal_operator.builders.namespace import build_namespace
from fractal_operator.builders.network_policy import build_network_policy
from fractal_operator.builders.role_bindings import build_role_bindings
from fractal_operator.builders.service import build_service
from fractal_operator.core import paths
from fractal_operator.core.claim import judge
from fractal_operator.core.names import Object
from fractal_operator.core.world_plan import WorldPlan
from fractal_operator.core.world_report import Refusal
from fractal_operator.services.worlds.kept import Fixtures
from fractal_operator.services.worlds.tools import Tools

LOOK_S: Final = 60.0
"""How often it is asked whether all of it is still there: a watch that was interrupted doesn't tell what vanished."""

COLLECTIONS = {
    "Service": paths.services,
    "NetworkPolicy": paths.network_policies,
    "RoleBinding": paths.role_bindings,
}
"""Where the objects of each kind are kept that a world simply has."""


class Ground:
    """One world's ground. `observe` takes events; `prepare` puts right what they told."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._fixtures = Fixtures(tools.api)
        self._claimed = False
        self._looked_at = float("-inf")

    @property
    def claimed(self) -> bool:
        """Whether the namespace is known to be the world's."""
        return self._claimed

    async def prepare(self, plan: WorldPlan) -> Refusal | None:
        """Why the world can't stand there, or None when all is as it should be."""
        if self._claimed:
            await self._look_again(plan)
        if not self._claimed:
            refusal = judge(await self._namespace(plan), plan)
            if refusal is not None:
                return refusal
            self._fixtures.forget()
            self._claimed, self._looked_at = True, self._tools.clock()
        await self._fixtures.keep(f"{paths.NAMESPACES}/{plan.name}", build_namespace(plan))
        # The operator's own rights come first: the rest needs them.
        for wanted in (*build_role_bindings(plan), build_network_policy(plan), build_service(plan)):
            await self._fixtures.keep(_path(plan.name, wanted), wanted)
        return None

    async def _look_again(self, plan: WorldPlan) -> None:
        now = self._tools.clock()
        if 0 <= now - self._looked_at < LOOK_S:
            return
        try:
            namespace = await self._tools.api.get(f"{paths.NAMESPACES}/{plan.name}")
        except NotFound:
            self._claimed = False
            return
        if "deletionTimestamp" in namespace["metadata"] or judge(namespace, plan) is not None:
            self._claimed = False
            return
        await self._fixtures.look()
        self._looked_at = now

    def observe(self, world: str, kind: str, obj: Object, *, gone: bool) -> bool:
        """Take notice of an object of the world; whether it has to be put right."""
        if kind == "Namespace":
            return self._observe_namespace(world, obj, gone=gone)
        if kind not in COLLECTIONS:
            return False
        return self._fixtures.observe(_path(world, obj, kind), obj, gone=gone)

    def _observe_namespace(self, world: str, obj: Object, *, gone: bool) -> bool:
        drifted = self._fixtures.observe(f"{paths.NAMESPACES}/{world}", obj, gone=gone)
        going = "deletionTimestamp" in obj["metadata"]
        if gone or going or not self._claimed:
            self._claimed = False
            return True
        return drifted

    async def _namespace(self, plan: WorldPlan) -> Object:
        """The Namespace that is there, which is made if there is none."""
        path = f"{paths.NAMESPACES}/{plan.name}"
        try:
            return await self._tools.api.get(path)
        except NotFound:
            pass
        try:
            # Not applied: that would take hold of what somebody else makes at this moment.
            return await self._tools.api.create(paths.NAMESPACES, build_namespace(plan))
        except AlreadyExists:
            return await self._tools.api.get(path)


def _path(world: str, obj: Object, kind: str = "") -> str:
    return f"{COLLECTIONS[kind or obj['kind']](world)}/{obj['metadata']['name']}"

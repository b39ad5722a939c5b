"""Does to a world's StatefulSet and pods what was decided."""

import asyncio
from typing import Final

from fractal_operator.adapters.api_errors import ApiAway, Invalid
from fractal_operator.builders.stateful_set import build_stateful_set
from fractal_operator.core import paths
from fractal_operator.core.names import WORLD_SET, Object
from fractal_operator.core.world_life import Decision, Stage
from fractal_operator.core.world_plan import WorldPlan, WorldSecret
from fractal_operator.services.worlds.kept import apply
from fractal_operator.services.worlds.sight import Sight
from fractal_operator.services.worlds.tools import Tools

TRIAL: Final = f"{WORLD_SET}-trial"
"""The name of a StatefulSet that is never made: under it a template is tried as a new one, not as a change."""

AT_ONCE: Final = 16
"""Pods that are deleted at a time."""

_UNTYPED: Final = "failed to create typed patch object"
"""What the API server says, with 500, of fields that it doesn't know."""


class Hands:
    """One world's."""

    def __init__(self, tools: Tools, sight: Sight) -> None:
        self._tools = tools
        self._sight = sight
        self._tried: tuple[str, str] = ("", "")
        self._deleted: set[str] = set()
        self._left: set[str] = set()

    async def refused(self, plan: WorldPlan, wanted: Object, revision: str) -> str:
        """What the API server has against the StatefulSet, in its words; empty when nothing."""
        if self._tried[0] != revision:
            trial = {**wanted, "metadata": plan.metadata(TRIAL)}
            self._tried = (revision, await self._try(f"{paths.stateful_sets(plan.name)}/{TRIAL}", trial))
        return self._tried[1]

    async def _try(self, path: str, trial: Object) -> str:
        try:
            await self._tools.api.apply(path, trial, dry_run=True)
        except Invalid as error:
            return words_of(error)
        except ApiAway as error:
            if _UNTYPED not in str(error):
                raise
            return words_of(error)
        return ""

    async def act(self, plan: WorldPlan, secret: WorldSecret, decision: Decision) -> None:
        """Apply and delete what the decision says, all pods at once."""
        if decision.apply_replicas is not None:
            self._left |= {self._sight.secret_name} - {"", secret.name}
            wanted = self._wanted(plan, secret, decision)
            path = f"{paths.stateful_sets(plan.name)}/{WORLD_SET}"
            self._sight.kept, live = await apply(self._tools.api, path, wanted)
            self._sight.put_set(live)
        doomed = [pod for pod in decision.delete if pod.uid not in self._deleted]
        for start in range(0, len(doomed), AT_ONCE):
            some = doomed[start : start + AT_ONCE]
            deleting = (self._tools.api.delete(f"{paths.pods(plan.name)}/{pod.name}", uid=pod.uid) for pod in some)
            await asyncio.gather(*deleting)
            self._deleted |= {pod.uid for pod in some}
        self._deleted &= {pod.uid for pod in self._sight.pods()}
        if decision.stage is Stage.READY:
            await self._tidy(plan, secret)

    async def _tidy(self, plan: WorldPlan, secret: WorldSecret) -> None:
        """Delete the Secrets of pods that are no more."""
        for name in sorted(self._left - {secret.name}):
            await self._tools.api.delete(f"{paths.secrets(plan.name)}/{name}")
        self._left.clear()

    def _wanted(self, plan: WorldPlan, secret: WorldSecret, decision: Decision) -> Object:
        """The StatefulSet to be applied; while a run is on the one that was there, if this process knows it."""
        if decision.stage is Stage.PENDING and self._sight.kept is not None:
            kept = self._sight.kept.wanted
            return {**kept, "spec": {**kept["spec"], "replicas": decision.apply_replicas}}
        return build_stateful_set(plan, secret, replicas=decision.apply_replicas)


def words_of(error: Exception) -> str:
    """What the API server said, without the request that it said it of."""
    return str(error).partition(": ")[2].replace(TRIAL, WORLD_SET)

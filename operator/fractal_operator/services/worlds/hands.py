"""Does to a world's StatefulSet and pods what was decided."""

import asyncio
from dataclasses import dataclass
from typing import Final

from fractal_operator.adapters.api_errors import Invalid
from fractal_operator.builders.stateful_set import build_stateful_set
from fractal_operator.core import paths
from fractal_operator.core.backoff import delay_s
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

FIRST_TRIAL_S: Final = 60.0
MOST_TRIAL_S: Final = 600.0
"""How long a refusal is believed at most: a quota or a webhook may have been the reason, which can change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """The last trial: of which template, what was said against it, how often in a row, and when it is over."""

    revision: str = ""
    words: str = ""
    times: int = 0
    again_at: float = 0.0


class Hands:
    """One world's."""

    def __init__(self, tools: Tools, sight: Sight) -> None:
        self._tools = tools
        self._sight = sight
        self._tried = _Tried()
        self._deleted: set[str] = set()
        self._left: set[str] = set()

    async def refused(self, plan: WorldPlan, wanted: Object, revision: str) -> str:
        """What the API server has against the StatefulSet, in its words; empty when nothing.

        What it takes is not tried again; what it refuses is, after 1, 2, 4 and at last each 10 min.
        """
        now, tried = self._tools.clock(), self._tried
        if tried.revision == revision and not (tried.words and now >= tried.again_at):
            return tried.words
        trial = {**wanted, "metadata": plan.metadata(TRIAL)}
        words = await self._try(f"{paths.stateful_sets(plan.name)}/{TRIAL}", trial)
        times = tried.times + 1 if tried.revision == revision else 1
        again_at = now + delay_s(times, first_s=FIRST_TRIAL_S, most_s=MOST_TRIAL_S)
        self._tried = _Tried(revision=revision, words=words, times=times, again_at=again_at)
        return words

    async def _try(self, path: str, trial: Object) -> str:
        try:
            await self._tools.api.apply(path, trial, dry_run=True)
        except Invalid as error:
            return words_of(error)
        return ""

    async def act(self, plan: WorldPlan, secret: WorldSecret, decision: Decision) -> None:
        """Apply and delete what the decision says, all pods at once."""
        if decision.apply_replicas is not None:
            self._left |= {self._sight.secret_name} - {"", secret.name}
            wanted = self._wanted(plan, secret, decision)
            path = f"{paths.stateful_sets(plan.name)}/{WORLD_SET}"
            # With a StatefulSet its pods go, and with them a run, or one that may begin at any moment.
            idle = not decision.takes_runs and self._tools.board.job_on(plan.name) is None
            self._sight.kept, live = await apply(self._tools.api, path, wanted, replace=idle)
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
    """What the API server said, on one line, without the request that it said it of."""
    return " ".join(str(error).partition(": ")[2].split()).replace(TRIAL, WORLD_SET)

"""A world's Secret, which is looked at by name and never watched: a watch would show every Secret to the operator."""

import secrets
from typing import Final

from fractal_operator.adapters import ssh_keys
from fractal_operator.adapters.api_errors import AlreadyExists, NotFound
from fractal_operator.builders.secrets import build_secret, read_secret, secret_name
from fractal_operator.core import paths
from fractal_operator.core.names import Object
from fractal_operator.core.world_plan import WorldPlan, WorldSecret
from fractal_operator.services.worlds.tools import Tools

TOKEN_BYTES: Final = 32


class SecretKeeper:
    """One world's Secret. What it holds is remembered, so that one that was deleted comes back the same."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._known: tuple[str, Object, WorldSecret] | None = None
        self._looked_at = float("-inf")

    @property
    def known(self) -> WorldSecret | None:
        """The Secret as it was last seen."""
        return self._known[2] if self._known else None

    def due_s(self, now: float) -> float:
        """After how long it is to be looked at again."""
        return max(0.0, self._looked_at + self._tools.secrets_check_s - now) if self._known else float("inf")

    async def keep(self, plan: WorldPlan) -> WorldSecret:
        """The Secret, which is there; looked at anew from time to time."""
        now = self._tools.clock()
        if self._known is not None and 0 < self.due_s(now) <= self._tools.secrets_check_s:
            return self._known[2]
        store = await self._tools.store()
        name = secret_name(plan, store, pepper=await self._tools.pepper())
        body = await self._find(plan, name) or await self._make(plan, name, store)
        found = read_secret(body)
        if found is None:
            raise AssertionError(f"Secret {plan.name}/{name} is not what was just made of it")
        self._known, self._looked_at = (name, body, found), now
        return found

    async def peek(self, plan: WorldPlan) -> WorldSecret:
        """The Secret that is there, which is not made if there is none; NotFound then."""
        name = secret_name(plan, await self._tools.store(), pepper=await self._tools.pepper())
        body = await self._tools.api.get(f"{paths.secrets(plan.name)}/{name}")
        found = read_secret(body)
        if found is None:
            raise NotFound(f"Secret {plan.name}/{name} is not a world's")
        self._known = (name, body, found)
        return found

    def forget(self) -> None:
        """Look at it at once, the next time: the namespace is another one."""
        self._looked_at = float("-inf")

    async def _find(self, plan: WorldPlan, name: str) -> Object | None:
        """The Secret that is there; None when there is none, and when it is not what it was or should be."""
        path = f"{paths.secrets(plan.name)}/{name}"
        try:
            live = await self._tools.api.get(path)
        except NotFound:
            return None
        seen = read_secret(live)
        same = self._known is None or self._known[0] != name or self._known[2] == seen
        if seen is not None and same:
            return live
        await self._tools.api.delete(path)  # it is immutable
        return None

    async def _make(self, plan: WorldPlan, name: str, store: str) -> Object:
        if self._known is not None and self._known[0] == name:
            body = build_again(plan, self._known[1])
        else:
            host, user = ssh_keys.generate(), ssh_keys.generate()
            token = secrets.token_urlsafe(TOKEN_BYTES)
            body = build_secret(plan, name, store=store, host=host, user=user, token=token)
        try:
            return await self._tools.api.create(paths.secrets(plan.name), body)
        except AlreadyExists:  # another operator, for the moment in which there may be two
            return await self._tools.api.get(f"{paths.secrets(plan.name)}/{name}")


def build_again(plan: WorldPlan, body: Object) -> Object:
    """A Secret with what an earlier one held."""
    return {**body, "kind": "Secret", "apiVersion": "v1", "metadata": plan.metadata(body["metadata"]["name"])}

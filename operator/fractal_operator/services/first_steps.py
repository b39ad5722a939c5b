"""What a new installation needs and no manifest can hold: passwords that nobody chose, and a first world.

Each step looks first and does only what is missing, so a leader takes all of them whenever it begins to lead.
"""

import asyncio
import base64
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from fractal_api.errors import FractalError, PermanentError
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import AlreadyExists, NotFound
from fractal_operator.builders.first_world import build_first_world
from fractal_operator.builders.store_secrets import StoreUser, build_gateway_secret, build_store_secret
from fractal_operator.core import names, paths
from fractal_operator.core.names import Object
from fractal_operator.core.settings import NO_FIRST_WORLD, OperatorSettings

_PASSWORD_BYTES: Final = 24
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0

logger = logging.getLogger(__name__)


class DamagedSecretError(PermanentError):
    """Somebody has changed a Secret of ours."""


class FirstSteps:
    """The steps of one installation."""

    def __init__(self, api: Api, settings: OperatorSettings) -> None:
        self._api = api
        self._settings = settings
        self._secrets = paths.secrets(settings.namespace)

    async def insist(self, step: Callable[[], Awaitable[object]]) -> None:
        """Take the step again and again until it is done, with the reason in the log."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await step()
            except FractalError as error:  # also what a person has to put right, such as a missing CRD
                logger.warning("A first step of the installation waits %g s: %s", pause_s, error)
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def make_secrets(self) -> dict[StoreUser, str]:
        """The passwords of the store's users. Both Secrets exist, with the same password for the gateway."""
        passwords = await self._passwords()
        if passwords is None:
            drawn = {user: secrets.token_urlsafe(_PASSWORD_BYTES) for user in StoreUser}
            await self._create(self._secrets, build_store_secret(self._settings.install, drawn))
            passwords = await self._passwords() or drawn
        await self._create(self._secrets, build_gateway_secret(passwords[StoreUser.GATEWAY]))
        return passwords

    async def make_world(self) -> None:
        """See that the first FractalNamespace was made once; whoever deletes it later is obeyed."""
        lease = f"{paths.leases(self._settings.namespace)}/{names.OPERATOR}"
        held: Object = await self._api.get(lease)
        name = self._settings.first_world
        if name == NO_FIRST_WORLD or names.FIRST_WORLD_MADE in (held["metadata"].get("annotations") or {}):
            return
        await self._create(
            paths.WORLDS,
            build_first_world(
                name, nodes=self._settings.first_world_nodes, slots_per_node=self._settings.first_world_slots
            ),
        )
        await self._api.merge(lease, {"metadata": {"annotations": {names.FIRST_WORLD_MADE: name}}})

    async def _passwords(self) -> dict[StoreUser, str] | None:
        try:
            found = await self._api.get(f"{self._secrets}/{names.STORE_SECRET}")
        except NotFound:
            return None
        data = found.get("data") or {}
        lacking = next((user.key for user in StoreUser if user.key not in data), None)
        if lacking is not None:
            place = f"{self._settings.namespace}/{names.STORE_SECRET}"
            raise DamagedSecretError(
                f"Secret {place} lacks {lacking}: delete it, and restart operator and Redis to have it made anew"
            )
        return {user: base64.b64decode(data[user.key]).decode() for user in StoreUser}

    async def _create(self, path: str, body: Object) -> None:
        try:
            await self._api.create(path, body)
        except AlreadyExists:
            return
        logger.info("Made the %s %s", body["kind"], body["metadata"]["name"])

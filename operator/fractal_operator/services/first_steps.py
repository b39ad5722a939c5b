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
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.names import Object
from fractal_operator.core.settings import NO_FIRST_WORLD, OperatorSettings

_PASSWORD_BYTES: Final = 24
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0

logger = logging.getLogger(__name__)


class DamagedSecretError(PermanentError):
    """Somebody has changed a Secret of ours."""


class FirstSteps:
    """The steps of one installation, whose passwords it remembers."""

    def __init__(
        self, api: Api, settings: OperatorSettings, *, tell: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        """`tell` gets a step's name and what keeps it from being done; the empty text when it is done."""
        self._api = api
        self._tell = tell
        self._settings = settings
        self._secrets = paths.secrets(settings.namespace)
        self._known: dict[StoreUser, str] | None = None

    async def insist(self, step: Callable[[], Awaitable[object]]) -> None:
        """Take the step again and again until it is done, with the reason in the log and told to the probes."""
        name = getattr(step, "__name__", "step")
        failures = 0
        while True:
            try:
                await step()
            except FractalError as error:  # also what a person has to put right, such as a missing CRD
                failures += 1
                pause_s = delay_s(failures, first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S)
                logger.warning("A first step of the installation waits %g s: %s", pause_s, error)
                self._tell(name, str(error))
            else:
                self._tell(name, "")
                return
            await asyncio.sleep(pause_s)

    async def make_secrets(self) -> dict[StoreUser, str]:
        """The passwords of the store's users. Both Secrets exist, with the same password for the gateway.

        One that was deleted comes back as it was, since Redis and the worlds know these passwords.
        """
        known = await self._read_passwords()
        if known is None:
            known = self._known or {user: secrets.token_urlsafe(_PASSWORD_BYTES) for user in StoreUser}
            await self._create(self._secrets, build_store_secret(self._settings.install, known))
            known = await self._read_passwords() or known
        if not await self._is_there(f"{self._secrets}/{names.GATEWAY_STORE_SECRET}"):
            await self._create(self._secrets, build_gateway_secret(known[StoreUser.GATEWAY]))
        self._known = known
        return known

    async def keep_secrets(self) -> None:
        """See for ever that both Secrets exist. They are looked at by name: a watch would show all Secrets here."""
        while True:
            await asyncio.sleep(self._settings.secrets_check_s)
            await self.insist(self.make_secrets)

    async def store_address(self, user: StoreUser) -> str:
        """The address of the store for this user, with its password; as it is when it names a user."""
        if self._settings.store_names_user:
            return self._settings.store_address
        return self._settings.store_address_as(user, await self.password(user))

    async def password(self, user: StoreUser) -> str:
        """The password of this user, as it was last read."""
        known = self._known or await self.make_secrets()
        return known[user]

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

    async def _read_passwords(self) -> dict[StoreUser, str] | None:
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

    async def _is_there(self, path: str) -> bool:
        try:
            await self._api.get(path)
        except NotFound:
            return False
        return True

    async def _create(self, path: str, body: Object) -> None:
        try:
            await self._api.create(path, body)
        except AlreadyExists:
            return
        logger.info("Made the %s %s", body["kind"], body["metadata"]["name"])

"""Puts together what keeps and observes worlds, from what the process has."""

import asyncio
import base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import NotFound
from fractal_operator.core import paths
from fractal_operator.core.names import STORE_SECRET
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.core.world_plan import WORLD_USER, Home
from fractal_operator.core.worlds import WorldBoard
from fractal_operator.services.observer import Hear, Observer
from fractal_operator.services.worlds.keepers import WorldKeepers
from fractal_operator.services.worlds.tools import Tools

PASSWORD_KEY: Final = "world-password"  # noqa: S105 - the name of a key
REDIS_PORT: Final = 6379


@dataclass(frozen=True, slots=True, kw_only=True)
class Worlds:
    """Who keeps worlds, and who observes them."""

    keepers: WorldKeepers
    observer: Observer


def assemble_worlds(
    api: Api, settings: OperatorSettings, *, board: WorldBoard, hear: Hear, farewell: asyncio.Event
) -> Worlds:
    """Keepers and observer; `hear` gets what agents say, `farewell` is set when all of it is being uninstalled."""
    tools = Tools(
        api=api,
        board=board,
        home=plan_home(settings),
        store=StoreAddress(api, settings),
        secrets_check_s=settings.secrets_check_s,
        farewell=farewell,
    )
    keepers = WorldKeepers(tools)
    return Worlds(keepers=keepers, observer=Observer(api, agent=keepers.agent, hear=hear, tell=keepers.tell))


def plan_home(settings: OperatorSettings) -> Home:
    """What all worlds have in common."""
    store = urlsplit(settings.store_address)
    return Home(
        namespace=settings.namespace,
        image=settings.world_image,
        install=settings.install,
        store_port=store.port or REDIS_PORT,
        store_inside=settings.store is None and "." not in settings.redis_host,
    )


class StoreAddress:
    """The store's address for worlds, with their password, which is read at each call: it may be changed."""

    def __init__(self, api: Api, settings: OperatorSettings) -> None:
        self._api = api
        self._settings = settings

    async def __call__(self) -> str:
        """The address; NotFound names the Secret that is missing."""
        if "@" in urlsplit(self._settings.store_address).netloc:
            return self._settings.store_address
        secret = await self._api.get(f"{paths.secrets(self._settings.namespace)}/{STORE_SECRET}")
        encoded = (secret.get("data") or {}).get(PASSWORD_KEY)
        if not encoded:
            raise NotFound(f"the Secret {self._settings.namespace}/{STORE_SECRET} has no {PASSWORD_KEY}")
        return self._settings.store_address_as(WORLD_USER, base64.b64decode(encoded).decode())

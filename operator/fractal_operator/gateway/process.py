"""The program `fractal-gateway`."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import Final

from fractal_api.errors import FractalError
from fractal_operator.adapters.access import Access
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.images import Images
from fractal_operator.adapters.live import Live
from fractal_operator.adapters.store_link import StoredPassword, StoreLink
from fractal_operator.core.names import GATEWAY
from fractal_operator.core.settings import GatewaySettings, SettingsError
from fractal_operator.gateway.apps import door, observatory
from fractal_operator.gateway.gate import LoopbackGate, TokenGate
from fractal_operator.gateway.listeners import Listeners, bind
from fractal_operator.gateway.metrics import GatewayMetrics
from fractal_operator.gateway.rooms import Rooms
from fractal_operator.services.log_lines import set_up_logs

_log = logging.getLogger(__name__)

STORE_USER: Final = "gateway"

TOKEN_LIFE_S: Final = 30.0
"""A token that was withdrawn opens this door for so long still."""

RIGHT_LIFE_S: Final = 10.0

LEAVE_S: Final = 2.0
"""After SIGTERM callers still come for a while: Services take time to forget a pod."""

GOODBYE_S: Final = 15.0
"""Answers that have begun may take so long to end."""


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    try:
        settings = GatewaySettings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    set_up_logs(settings)
    try:
        asyncio.run(_live(settings))
    except (FractalError, OSError) as error:
        _log.critical("%s", error)
        return 1
    return 0


async def _live(settings: GatewaySettings) -> None:
    async with AsyncExitStack() as stack:
        api = await Api.connect(user_agent=GATEWAY)
        stack.push_async_callback(api.close)
        link = store_link(settings)
        stack.push_async_callback(link.close)
        rooms = Rooms(
            api=api,
            images=Images(link, settings.install),
            live=Live(link, settings.install),
            metrics=GatewayMetrics(),
        )
        await _serve(settings, rooms)


def store_link(settings: GatewaySettings) -> StoreLink:
    """The way to the store, as the gateway's user unless the address names one."""
    file = settings.store_password_file
    named = "@" in settings.store_address
    return StoreLink(
        settings.store_address, credentials=None if named or file is None else StoredPassword(STORE_USER, file)
    )


async def _serve(settings: GatewaySettings, rooms: Rooms) -> None:
    leaving = asyncio.Event()
    gate = TokenGate(Access(rooms.api), token_life_s=TOKEN_LIFE_S, right_life_s=RIGHT_LIFE_S)
    served = [
        (bind("0.0.0.0", settings.port), door(rooms, gate)),  # noqa: S104 - a pod's door
        (bind("127.0.0.1", settings.local_port), door(rooms, LoopbackGate())),
        (bind("0.0.0.0", settings.metrics_port), observatory(rooms, leaving.is_set)),  # noqa: S104 - as above
    ]
    listeners = Listeners(served, goodbye_s=GOODBYE_S)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leaving.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(listeners.serve())
        _log.info(
            "ports: %d (token), %d (loopback), %d (metrics)", settings.port, settings.local_port, settings.metrics_port
        )
        await leaving.wait()
        _log.info("ending: callers may still come for %g s", LEAVE_S)
        await asyncio.sleep(LEAVE_S)
        listeners.end()

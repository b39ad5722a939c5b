"""The process `fractal-operator`: settings, log, probes, election; and while it leads, what `leading` says.

It ends with 0 on SIGTERM and after an uninstallation, with 1 for what a person has to see, with 3 without its Lease.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fractal_api.errors import FractalError
from fractal_operator.adapters.api import Api
from fractal_operator.core import names
from fractal_operator.core.pulse import Pulse
from fractal_operator.core.settings import OperatorSettings, SettingsError
from fractal_operator.handlers.furnishing import Premises
from fractal_operator.handlers.health import Health, Stage, serve_health
from fractal_operator.handlers.leading import lead
from fractal_operator.services.elector import Elector
from fractal_operator.services.farewell import Farewell
from fractal_operator.services.log_lines import set_up_logs
from fractal_operator.services.metrics import Metrics

_STOP_S: Final = 2.5

Lead = Callable[[Premises, Pulse, Callable[[], None]], Coroutine[Any, Any, None]]

logger = logging.getLogger(__name__)


def main() -> int:
    """The exit code of the process."""
    try:
        settings = OperatorSettings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    set_up_logs(settings)
    for warning in settings.warnings():
        logger.warning(warning)
    try:
        return asyncio.run(_run(settings))
    except (FractalError, OSError) as error:
        logger.critical("%s", error)
        return 1


async def _run(settings: OperatorSettings) -> int:
    health = Health(Metrics())
    api = await Api.connect(user_agent=names.OPERATOR)
    server = await serve_health(health, settings.health_port)
    try:
        return await Process(settings, api, health).run()
    finally:
        await server.cleanup()
        await api.close()


class Process:
    """One replica, from its start to its end."""

    def __init__(self, settings: OperatorSettings, api: Api, health: Health, *, lead: Lead = lead) -> None:
        """`lead` is what it does while it leads."""
        identity = f"{settings.pod_name or socket.gethostname()}_{uuid.uuid4().hex[:8]}"
        self._health = health
        self._lead = lead
        self._farewell = Farewell(api, settings.namespace)
        self._elector = Elector(api, namespace=settings.namespace, identity=identity)
        self._stop = asyncio.Event()
        self._premises = Premises(
            api=api,
            settings=settings,
            metrics=health.metrics,
            farewell=self._farewell.noticed,
            identity=identity,
            hinder=health.hinder,
        )

    async def run(self) -> int:
        """The exit code, when it is over."""
        self._listen_for_signals()
        life = asyncio.create_task(self._live(), name="life")
        news = asyncio.create_task(self._farewell.watch(), name="farewell")
        ends = [life, news, *map(asyncio.create_task, (self._stop.wait(), self._farewell.noticed.wait()))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            self._health.enter(Stage.LEAVING)
            failed = _complain((life, news))
            return await self._leave(life) or failed
        finally:
            for task in ends:
                task.cancel()

    async def _live(self) -> None:
        await self._elector.meet()
        self._health.enter(Stage.STANDING_BY)
        await self._elector.acquire()
        self._health.enter(Stage.LEADING)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._elector.hold(), name="lease")
            group.create_task(self._lead(self._premises, self._health.pulse, self._listen_for_signals), name="leading")

    async def _leave(self, life: "asyncio.Task[None]") -> int:
        is_on, ended = await asyncio.gather(self._farewell.is_on(), _end(life))
        if is_on:
            await self._farewell.say()
            return 0
        if ended:
            await self._elector.release()
        else:  # it may still write: nobody else may lead before the Lease has run out
            logger.warning("The Lease is not released, and runs out by itself")
        logger.info("This replica leaves")
        return 0

    def _listen_for_signals(self) -> None:
        """Also called once kopf runs, since kopf takes the signals for itself."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)


def _complain(tasks: "tuple[asyncio.Task[None], ...]") -> int:
    """The exit code: 1 when one of the tasks has failed, which is logged."""
    failures = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    for failure in failures:
        logger.critical("This replica can't go on", exc_info=failure)
    return 1 if failures else 0


async def _end(task: "asyncio.Task[None]") -> bool:
    """Whether the task has ended in time, with all that it began."""
    task.cancel()
    _, late = await asyncio.wait({task}, timeout=_STOP_S)
    if late:
        logger.warning("Something does not end within %g s, and is left behind", _STOP_S)
    return not late

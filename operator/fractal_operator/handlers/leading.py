"""What a replica does while it leads: kopf with our handlers, the scheduler, and a new installation's first steps."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import kopf

from fractal_operator.core.pulse import Pulse
from fractal_operator.handlers import jobs, login, namespaces  # noqa: F401 - they register their handlers
from fractal_operator.handlers.furnishing import Premises, open_office
from fractal_operator.handlers.kopf_settings import build_kopf_settings
from fractal_operator.handlers.office import Office
from fractal_operator.handlers.registry import REGISTRY
from fractal_operator.services.first_steps import FirstSteps

_STOP_S: Final = 1.0


async def lead(premises: Premises, pulse: Pulse, started: Callable[[], None]) -> None:
    """Lead until this is cancelled; a service that ends by itself, or fails, ends it all.

    `started` is called once kopf runs.
    """
    steps = FirstSteps(premises.api, premises.settings)
    await steps.insist(steps.make_secrets)
    async with open_office(premises, pulse) as office, asyncio.TaskGroup() as group:
        group.create_task(steps.insist(steps.make_world), name="first world")
        group.create_task(office.scheduler.run(), name="scheduler")
        await asyncio.sleep(0)  # kopf ends whatever tasks begin after it, and waits for them; these are ours
        group.create_task(_run_kopf(office, started), name="kopf")


async def _run_kopf(office: Office, started: Callable[[], None]) -> None:
    ready = asyncio.Event()
    running = asyncio.create_task(
        kopf.operator(
            registry=REGISTRY,
            settings=build_kopf_settings(),
            memo=office,
            clusterwide=True,
            standalone=True,
            ready_flag=ready,
        ),
        name="kopf itself",
    )
    try:
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        started()
        await asyncio.shield(running)
        raise RuntimeError("kopf has ended by itself")
    finally:
        running.cancel()  # not by its stop flag, after which it waits 5 s for what others have begun
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_STOP_S):
                await asyncio.wait({running})

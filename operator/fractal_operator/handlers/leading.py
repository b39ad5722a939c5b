"""What a replica does while it leads: kopf with our handlers, the scheduler, and a new installation's first steps."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import kopf

from fractal_operator.core.pulse import Pulse
from fractal_operator.handlers import jobs, login, namespaces  # noqa: F401 - they register their handlers
from fractal_operator.handlers.furnishing import Premises, open_office
from fractal_operator.handlers.kopf_settings import build_kopf_settings
from fractal_operator.handlers.office import Office
from fractal_operator.handlers.registry import REGISTRY
from fractal_operator.services.first_steps import FirstSteps

_STOP_S: Final = 1.5


class _EveryTask(frozenset["asyncio.Task[Any]"]):
    """For kopf, which at its end would wait 5 s for whatever task has begun since its start, and then cancel it.

    Its own are those that it spawned, and it ends them before; all others are ours.
    """

    def __contains__(self, _: object) -> bool:
        return True


async def lead(premises: Premises, pulse: Pulse, started: Callable[[], None]) -> None:
    """Lead until this is cancelled; a service that ends by itself, or fails, ends it all.

    `started` is called once kopf runs.
    """
    steps = FirstSteps(premises.api, premises.settings, tell=premises.hinder)
    await steps.insist(steps.make_secrets)
    async with open_office(premises, steps, pulse) as office, asyncio.TaskGroup() as group:
        group.create_task(steps.insist(steps.make_world), name="first world")
        group.create_task(steps.keep_secrets(), name="secrets")
        group.create_task(office.scheduler.run(), name="scheduler")
        group.create_task(_run_kopf(office, started), name="kopf")


async def _run_kopf(office: Office, started: Callable[[], None]) -> None:
    stop = asyncio.Event()
    spawned = await kopf.spawn_tasks(
        registry=REGISTRY,
        settings=build_kopf_settings(),
        memo=office,
        clusterwide=True,
        standalone=True,
        stop_flag=stop,
    )
    running = asyncio.create_task(kopf.run_tasks(spawned, ignored=_EveryTask()), name="kopf's tasks")
    started()
    try:
        await asyncio.shield(running)
        raise RuntimeError("kopf has ended by itself")
    finally:
        stop.set()
        _, late = await asyncio.wait({running}, timeout=_STOP_S)
        for task in late:
            task.cancel()
        if late:  # whoever ends this process gives up waiting when it is time, and then knows that kopf may still write
            await asyncio.wait(late)

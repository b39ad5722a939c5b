"""A leader's office, furnished for as long as it leads: every service with what it needs, in one place."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from fractal_operator.adapters.agents import AgentClient
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.results import ResultStore
from fractal_operator.adapters.store_link import CurrentPassword, StoredPassword, StoreLink
from fractal_operator.builders.store_secrets import StoreUser
from fractal_operator.core.pulse import Pulse
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.core.world_plan import Home
from fractal_operator.handlers.office import Office
from fractal_operator.services.first_steps import FirstSteps
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.metrics import Metrics
from fractal_operator.services.observer import Observer
from fractal_operator.services.recorder import Recorder
from fractal_operator.services.scheduler import Scheduler
from fractal_operator.services.worlds.keepers import WorldKeepers
from fractal_operator.services.worlds.tools import Tools

_REDIS_PORT = 6379


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What there is before this replica leads; `hinder` tells the probes what keeps it from a step of its work."""

    api: Api
    settings: OperatorSettings
    metrics: Metrics
    farewell: asyncio.Event
    identity: str
    hinder: Callable[[str, str], None] = lambda *_: None


@asynccontextmanager
async def open_office(premises: Premises, steps: FirstSteps, pulse: Pulse) -> AsyncIterator[Office]:
    """The office; its connections are closed at the end."""
    api, settings = premises.api, premises.settings
    async with AsyncExitStack() as leaving:
        clock = Clock()
        agents = AgentClient()
        leaving.push_async_callback(agents.close)
        link = _store_link(settings, steps)
        leaving.push_async_callback(link.close)
        scheduler = Scheduler(
            api=api,
            agents=agents,
            results=ResultStore(link, settings.install),
            recorder=Recorder(api, clock, instance=premises.identity),
            metrics=premises.metrics,
            settings=settings,
            clock=clock,
        )
        keepers = WorldKeepers(_tools(premises, steps, scheduler))
        leaving.push_async_callback(keepers.close)
        observer = Observer(api, worlds=keepers, hear=scheduler.hear)
        yield Office(
            api=api,
            settings=settings,
            metrics=premises.metrics,
            pulse=pulse,
            farewell=premises.farewell,
            scheduler=scheduler,
            keepers=keepers,
            observer=observer,
        )


def _tools(premises: Premises, steps: FirstSteps, scheduler: Scheduler) -> Tools:
    settings = premises.settings
    home = Home(
        namespace=settings.namespace,
        image=settings.world_image,
        install=settings.install,
        store_port=urlsplit(settings.store_address).port or _REDIS_PORT,
        store_inside=settings.store is None and "." not in settings.redis_host,
    )

    return Tools(
        api=premises.api,
        board=scheduler,
        home=home,
        store=partial(steps.store_address, StoreUser.WORLD),
        pepper=partial(steps.password, StoreUser.OPERATOR),
        secrets_check_s=settings.secrets_check_s,
        farewell=premises.farewell,
    )


def _store_link(settings: OperatorSettings, steps: FirstSteps) -> StoreLink:
    if settings.store_password_file is not None:
        stored = StoredPassword(StoreUser.OPERATOR, settings.store_password_file)
        return StoreLink(settings.store_address, credentials=stored)
    if settings.store_names_user:
        return StoreLink(settings.store_address)
    credentials = CurrentPassword(StoreUser.OPERATOR, partial(steps.password, StoreUser.OPERATOR))
    return StoreLink(settings.store_address, credentials=credentials)

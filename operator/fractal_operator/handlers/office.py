"""What the handlers work with: kopf passes it to each of them as `memo`."""

import asyncio
from dataclasses import dataclass

from fractal_operator.adapters.api import Api
from fractal_operator.core.pulse import Pulse
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.services.metrics import Metrics
from fractal_operator.services.observer import Observer
from fractal_operator.services.scheduler import Scheduler
from fractal_operator.services.worlds.keepers import WorldKeepers


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The services of a leader. `farewell` is set when all of it is being deleted; `pulse` is of kopf's watches."""

    api: Api
    settings: OperatorSettings
    metrics: Metrics
    pulse: Pulse
    farewell: asyncio.Event
    scheduler: Scheduler
    keepers: WorldKeepers
    observer: Observer

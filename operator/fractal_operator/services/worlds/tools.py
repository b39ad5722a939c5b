"""What every world's keeper works with."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fractal_operator.adapters.api import Api
from fractal_operator.core.world_plan import Home
from fractal_operator.core.worlds import WorldBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The API server, the board of those who place jobs, and what is the same for all worlds.

    `store` gives the store's address with the worlds' password in it, and `pepper` what no reader of names knows:
    Secrets are named with it. `farewell` is set when all of it is being uninstalled: then nothing is drained. `clock`
    gives seconds since 1970, since deadlines outlive this process.
    """

    api: Api
    board: WorldBoard
    home: Home
    store: Callable[[], Awaitable[str]]
    pepper: Callable[[], Awaitable[str]]
    secrets_check_s: float = 60.0
    farewell: asyncio.Event = field(default_factory=asyncio.Event)
    clock: Callable[[], float] = time.time

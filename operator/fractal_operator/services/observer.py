"""Follows the log of a world's agent, and passes on what it says: the fast path of news, never the truth.

Lines that a stream brought already are not passed on again when it is opened anew. What isn't an event line is nothing.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from fractal_api.errors import FractalError
from fractal_api.events import Event, Lost, Ready, Retried, Waiting, decode
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.logs import Line, Stamp, follow
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.names import MASTER
from fractal_operator.core.world_scene import PodSeen
from fractal_operator.services.log_context import bound

SILENT_S: Final = 60.0
"""A stream that is silent so long may be broken without anybody's notice; a world's heart beats each 5 s."""

FIRST_RETRY_S: Final = 0.2
MOST_RETRY_S: Final = 10.0

Hear = Callable[[str, str, Event], None]
"""Gets the world, its agent's incarnation, and an event."""

logger: Final = logging.getLogger(__name__)


class Worlds(Protocol):
    """Who keeps the worlds, as far as observing them needs it."""

    async def agent(self, world: str) -> PodSeen:
        """The pod with the world's agent, as soon as it has an address."""
        ...

    def incarnation(self, world: str, uid: str) -> str:
        """What the agent in the pod of that uid is called now; empty when there is no such pod any more."""
        ...

    def tell(self, world: str, words: str) -> None:
        """What keeps the world from being ready; empty when nothing does."""
        ...


class Observer:
    """Follows agents' logs; `hear` gets their events. What counts events gets those since it began to lead."""

    def __init__(self, api: Api, *, worlds: Worlds, hear: Hear, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._since = int(clock())
        self._worlds = worlds
        self._hear = hear

    async def follow_until(self, world: str, ended: Coroutine[Any, Any, None]) -> None:
        """Follow the world's agent until `ended` returns."""
        following = asyncio.create_task(self.follow(world))
        try:
            await ended
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following

    async def follow(self, world: str) -> None:
        """Follow the world's agent until this is cancelled; streams that end are opened again."""
        with bound(world=world):
            heard: dict[str, Stamp] = {}
            failures = 0
            while True:
                try:
                    fruitful = await self._read(world, heard)
                except FractalError as error:
                    fruitful = False
                    logger.debug("the agent's log can't be read at the moment: %s", error)
                except Exception:
                    fruitful = False
                    logger.exception("following the agent's log failed; it is tried again")
                failures = 0 if fruitful else failures + 1
                await asyncio.sleep(delay_s(failures, first_s=FIRST_RETRY_S, most_s=MOST_RETRY_S))

    async def _read(self, world: str, heard: dict[str, Stamp]) -> bool:
        """Pass on one stream to its end; whether it brought anything. `heard` keeps the last stamp of the pod's uid."""
        pod = await self._worlds.agent(world)
        if pod.uid not in heard:
            heard.clear()
        fruitful = False
        async with contextlib.aclosing(follow(self._api, world, MASTER, after=heard.get(pod.uid))) as lines:
            while (line := await _next(lines.__anext__())) is not None:
                # After a restart of the container nobody can tell whose line this is: it is read again from a stream
                # that begins with the new one.
                if self._worlds.incarnation(world, pod.uid) not in {pod.incarnation, ""}:
                    return True
                fruitful = True
                heard[pod.uid] = line.at
                self._pass_on(world, pod, line)
        return fruitful

    def _pass_on(self, world: str, pod: PodSeen, line: Line) -> None:
        event = decode(line.text)
        if event is None:
            return
        match event:
            case Waiting(message=message) | Lost(message=message):
                self._worlds.tell(world, message)
            case Ready():
                self._worlds.tell(world, "")
            case _:
                pass
        if isinstance(event, Retried) and line.at.seconds < self._since:
            return  # it was counted by the leader before this one; nothing else depends on it
        self._hear(world, pod.incarnation, event)


async def _next(line: Awaitable[Line]) -> Line | None:
    """The next line; None at the end of the stream, and when it is silent for too long."""
    try:
        async with asyncio.timeout(SILENT_S):
            return await line
    except (StopAsyncIteration, TimeoutError):
        return None

"""What a world's log says about one job: the lines that are there, or all until the job ends."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final

from fractal_api.errors import FractalError
from fractal_operator.adapters.api import MAX_LINE, Api
from fractal_operator.adapters.api_errors import Invalid
from fractal_operator.core import paths
from fractal_operator.core.job_view import JobView
from fractal_operator.core.names import MASTER
from fractal_operator.gateway.job_watch import watch_job
from fractal_operator.gateway.log_text import LogLine, parse_line

_log = logging.getLogger(__name__)

LINGER_S: Final = 2.0
"""After a job's end, its last lines may come a little later than the end itself."""

REOPEN_S: Final = 1.0
WAITING: Final = 1000
"""Lines that may wait for a slow caller before reading pauses."""


async def lines_so_far(api: Api, job: JobView) -> AsyncGenerator[LogLine, None]:
    """The lines that the job's world still has, of a container before the present one too.

    NotFound when the world is gone.
    """
    world = job.world
    if world is None:
        return
    with suppress(Invalid):  # there mostly is no container before
        async with aclosing(_lines(api, job, world, previous="true")) as lines:
            async for line in lines:
                yield line
    async with aclosing(_lines(api, job, world)) as lines:
        async for line in lines:
            yield line


async def lines_until_the_end(api: Api, job: JobView) -> AsyncGenerator[LogLine, None]:
    """The job's lines as they come, whichever worlds it goes to, until it has ended."""
    follower = _Follower(api, job)
    try:
        async for line in follower.lines():
            yield line
    finally:
        await follower.close()


@dataclass(frozen=True, slots=True)
class _Gone:
    """The job was deleted."""


class _Follower:
    """Watches the job, reads the log of the world that has it, and puts both into one queue."""

    def __init__(self, api: Api, job: JobView) -> None:
        self._api = api
        self._job = job
        self._world: str | None = None
        self._news: asyncio.Queue[LogLine | JobView | _Gone] = asyncio.Queue(WAITING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._reader: asyncio.Task[None] | None = None

    async def lines(self) -> AsyncGenerator[LogLine, None]:
        """The lines, until nothing more is to come."""
        self._begin(self._watch())
        self._turn_to_its_world()
        ended = self._job.end is not None
        while True:
            try:
                news = await asyncio.wait_for(self._news.get(), LINGER_S if ended else None)
            except TimeoutError:
                return
            match news:
                case LogLine():
                    yield news
                    if ended and news.ends_the_run and news.event.run == self._job.run:
                        return
                case JobView():
                    self._job = news
                    ended = news.end is not None
                    self._turn_to_its_world()
                case _Gone():
                    ended = True

    async def close(self) -> None:
        """End what is being read."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: "asyncio._CoroutineLike[None]") -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _turn_to_its_world(self) -> None:
        """Read the log of the world that the job was given to; of the one before it, until there is another."""
        world = self._job.world
        if world is None or world == self._world:
            return
        if self._reader is not None:
            self._reader.cancel()
        self._world = world
        self._reader = self._begin(self._read(world))

    async def _watch(self) -> None:
        async with aclosing(watch_job(self._api, self._job)) as changes:
            async for changed in changes:
                await self._news.put(changed)
        await self._news.put(_Gone())

    async def _read(self, world: str) -> None:
        """Put every line of the world's log into the queue, once, opening it anew when it breaks off."""
        last = ""
        while True:
            known = last
            since = {"sinceTime": known} if known else {}
            try:
                async with aclosing(_lines(self._api, self._job, world, follow="true", **since)) as lines:
                    async for line in lines:
                        if line.time > known:  # the server looks at whole seconds only
                            last = line.time
                            await self._news.put(line)
            except FractalError as error:
                _log.info("the log of the world broke off: %s", error, extra={"job": self._job.place, "world": world})
            await asyncio.sleep(REOPEN_S)


async def _lines(api: Api, job: JobView, world: str, **query: str) -> AsyncGenerator[LogLine, None]:
    """The lines about the job, from its creation on unless the query says another time."""
    path = f"{paths.pods(world)}/{MASTER}/log"
    wanted = {"timestamps": "true", "sinceTime": job.created, **query}
    async with aclosing(api.lines(path, max_line=MAX_LINE, **wanted)) as lines:
        async for raw in lines:
            line = parse_line(raw, job.uid)
            if line is not None:
                yield line

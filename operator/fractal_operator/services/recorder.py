"""Tells people what happened to their jobs, by Kubernetes Events: each once, after the status that it is about.

Events are a courtesy: one that can't be written is tried a few times and then given up; nothing waits for it.
"""

import asyncio
import logging
from collections import deque
from typing import Final, Protocol

from fractal_api.errors import FractalError, TemporaryError
from fractal_operator.adapters.api_errors import AlreadyExists
from fractal_operator.builders.events import build_event
from fractal_operator.core import paths
from fractal_operator.core.actions import Record
from fractal_operator.core.jobs import Job
from fractal_operator.core.names import Object
from fractal_operator.services.jobs.clock import Clock

_logger: Final = logging.getLogger(__name__)

_TRIES: Final = 5
_PAUSE_S: Final = 1.0
_MAX_WAITING: Final = 10_000


class Creates(Protocol):
    """The part of the API server that recording needs."""

    async def create(self, path: str, body: Object) -> Object:
        """The new object."""
        ...


class Recorder:
    """Writes Events in their order, one at a time."""

    def __init__(self, api: Creates, clock: Clock, *, instance: str) -> None:
        self._api = api
        self._clock = clock
        self._instance = instance
        self._waiting: deque[tuple[str, Object, str]] = deque(maxlen=_MAX_WAITING)
        self._filled = asyncio.Event()

    def record(self, job: Job, record: Record) -> None:
        """Tell it, soon."""
        event = build_event(job, record, self._clock.now(), self._instance)
        self._waiting.append((paths.events(job.namespace), event, job.key))
        self._filled.set()

    async def run(self) -> None:
        """Write what is to be told, for ever."""
        while True:
            await self._filled.wait()
            while self._waiting:
                await self._write(*self._waiting.popleft())
            self._filled.clear()

    async def _write(self, path: str, event: Object, key: str) -> None:
        extra = {"job": key}
        for attempt in range(1, _TRIES + 1):
            try:
                await self._api.create(path, event)
            except AlreadyExists:
                return
            except TemporaryError as error:
                _logger.warning("an Event could not be written (try %d of %d): %s", attempt, _TRIES, error, extra=extra)
                await asyncio.sleep(_PAUSE_S * attempt)
            except FractalError as error:  # such as a namespace that is being deleted
                _logger.info("an Event is not written: %s", error, extra=extra)
                return
            else:
                return

"""Tells people what happened to their jobs, by Kubernetes Events: each once, after the status that it is about.

Events are a courtesy: nothing waits for them. One that can't be written now is tried again, behind all others, until it
is so old that a new leader would not tell it either; then the log has its words.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from fractal_api.errors import FractalError, TemporaryError
from fractal_operator.adapters.api_errors import AlreadyExists
from fractal_operator.builders.events import build_event
from fractal_operator.core import paths
from fractal_operator.core.actions import Record
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.jobs import Job
from fractal_operator.core.milestones import RECENT
from fractal_operator.core.names import Object
from fractal_operator.services.jobs.clock import Clock

_logger: Final = logging.getLogger(__name__)

PATIENCE_S: Final = RECENT.total_seconds()
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
MAX_WAITING: Final = 10_000


class Creates(Protocol):
    """The part of the API server that recording needs."""

    async def create(self, path: str, body: Object) -> Object:
        """The new object."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """An Event that is to be written, and when it happened, by a steady clock."""

    path: str
    event: Object
    key: str
    since: float

    @property
    def words(self) -> str:
        return f"{self.event['reason']}: {self.event['message']}"


class Recorder:
    """Writes Events one at a time, in their order as long as the API server takes them."""

    def __init__(self, api: Creates, clock: Clock, *, instance: str) -> None:
        self._api = api
        self._clock = clock
        self._instance = instance
        self._waiting: deque[_Letter] = deque()
        self._filled = asyncio.Event()

    def record(self, job: Job, record: Record) -> None:
        """Tell it, soon."""
        event = build_event(job, record, self._clock.now(), self._instance)
        letter = _Letter(path=paths.events(job.namespace), event=event, key=job.key, since=self._clock.monotonic())
        if len(self._waiting) >= MAX_WAITING:
            self._give_up(self._waiting.popleft(), f"{MAX_WAITING} others wait")
        self._waiting.append(letter)
        self._filled.set()

    async def run(self) -> None:
        """Write what is to be told, for ever."""
        failures = 0
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                if await self._write(self._waiting.popleft(), quiet=failures > 0):
                    failures = 0
                    continue
                failures += 1
                await asyncio.sleep(delay_s(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S))

    async def _write(self, letter: _Letter, *, quiet: bool) -> bool:
        """Whether there is nothing more to be done about it; `quiet` when the log has the trouble already."""
        try:
            await self._api.create(letter.path, letter.event)
        except AlreadyExists:
            return True
        except TemporaryError as error:
            if self._clock.monotonic() - letter.since >= PATIENCE_S:
                self._give_up(letter, str(error))
                return False
            if not quiet:
                _logger.warning("an Event can't be written yet: %s", error, extra={"job": letter.key})
            self._waiting.append(letter)
            return False
        except FractalError as error:  # such as a namespace that is being deleted
            self._give_up(letter, str(error))
        return True

    def _give_up(self, letter: _Letter, why: str) -> None:
        _logger.warning("an Event is not written (%s): %s", letter.words, why, extra={"job": letter.key})

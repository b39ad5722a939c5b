"""Asks the result store for records, and has it forget: beside the scheduler, which must not wait for a store."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Final, Protocol

from fractal_api.errors import TemporaryError
from fractal_api.storage import ResultRecord
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.jobs import Job
from fractal_operator.services.jobs.clock import Clock

_logger: Final = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
STORE_LIMIT_S: Final = 600.0
"""How long a finished run waits for a store that doesn't answer, before it counts as interrupted."""

AFTERMATH_S: Final = 2.0
"""An agent that has let go of a run may still write down so long how it ended."""

_FORGET_TRIES: Final = 5


class Results(Protocol):
    """The part of the result store that this needs."""

    async def record(self, uid: str) -> ResultRecord | None:
        """The record of a job."""
        ...

    async def forget(self, uid: str, attempts: int) -> None:
        """Remove all that the store has of a job."""
        ...


Told = Callable[[str, ResultRecord | None], None]
Troubled = Callable[[str, str, bool], None]


class Archivist:
    """Reads and forgets, each job by a task of its own.

    `told` gets a run and the record or None; `troubled` a run, what keeps the store, and whether it was given up.
    """

    def __init__(self, results: Results, clock: Clock, *, told: Told, troubled: Troubled) -> None:
        self._results = results
        self._clock = clock
        self._told = told
        self._troubled = troubled
        self._reading: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def read(self, job: Job) -> None:
        """Find out whether the job's picture is stored; once at a time for each run."""
        if job.run not in self._reading:
            self._reading.add(job.run)
            self._begin(self._read(job.uid, job.run))

    def forget(self, uid: str, attempts: int, key: str = "") -> None:
        """Have the store forget the job, which people call `key`; the sweep does it if this doesn't."""
        self._begin(self._forget(uid, attempts, key))

    async def close(self) -> None:
        """Give up what is on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, uid: str, run: str) -> None:
        start, failures = self._clock.monotonic(), 0
        try:
            while True:
                try:
                    record = await self._results.record(uid)
                except TemporaryError as error:
                    failures += 1
                    pause_s = delay_s(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
                    given_up = self._clock.monotonic() - start + pause_s > STORE_LIMIT_S
                    self._troubled(run, str(error), given_up)
                    if given_up:
                        return
                else:
                    self._told(run, record)
                    return
                await asyncio.sleep(pause_s)
        finally:
            self._reading.discard(run)

    async def _forget(self, uid: str, attempts: int, key: str) -> None:
        """Remove it at once; and again, since an agent may have been writing."""
        await self._remove(uid, attempts, key)
        await asyncio.sleep(AFTERMATH_S)
        await self._remove(uid, attempts, key)

    async def _remove(self, uid: str, attempts: int, key: str) -> None:
        for attempt in range(_FORGET_TRIES):
            try:
                await self._results.forget(uid, attempts)
            except TemporaryError as error:
                extra = {"job": key or uid}
                _logger.warning("what the store has of a deleted job can't be removed yet: %s", error, extra=extra)
                await asyncio.sleep(2**attempt)
            else:
                return

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

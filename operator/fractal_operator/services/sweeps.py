"""Looks from time to time for what fell between two stools: results without a job, and jobs without their result."""

import asyncio
import logging
from datetime import timedelta
from typing import Final, Protocol

from fractal_api.conditions import JobCondition, JobReason, holds
from fractal_api.errors import FractalError
from fractal_api.storage import IMAGE_EXPIRY_S, chunk_count, expiry_s
from fractal_operator.adapters.results import Inventory
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import Job
from fractal_operator.services.jobs.archivist import Results
from fractal_operator.services.jobs.census import Census, Listed
from fractal_operator.services.jobs.clock import Clock

_logger: Final = logging.getLogger(__name__)

FIRST_S: Final = 60.0
"""The first sweep comes this long after the start: whoever leads anew has other things to do."""

MAX_KEYS: Final = 20_000
"""Keys that one sweep removes at most; the next one goes on."""

_BLOCK: Final = 64
_CHUNK: Final = "}:img:"


class Store(Results, Protocol):
    """The part of the result store that sweeping needs."""

    async def take_inventory(self) -> Inventory:
        """What is there."""
        ...

    async def unlink(self, keys: list[str]) -> int:
        """The number of these keys that were there."""
        ...


class Loses(Protocol):
    """Who is told that a complete job has its result no longer."""

    def lose(self, uid: str, loss: s.LoseResult) -> None:
        """The job's result is gone."""


class Sweeps:
    """One task; a sweep that fails is made up for by the next."""

    def __init__(self, census: Census, store: Store, loses: Loses, clock: Clock, *, every_s: float) -> None:
        self._census = census
        self._store = store
        self._loses = loses
        self._clock = clock
        self._every_s = every_s

    async def run(self) -> None:
        """Sweep, for ever."""
        await asyncio.sleep(min(FIRST_S, self._every_s))
        while True:
            try:
                await self.sweep()
            except FractalError as error:
                _logger.warning("a sweep of the store was given up: %s", error)
            await asyncio.sleep(self._every_s)

    async def sweep(self) -> None:
        """Remove what belongs to no job, and tell of results that are gone.

        The store is looked through first, and the jobs are listed then: whatever was stored had its job before.
        """
        inventory = await self._store.take_inventory()
        listed = await self._census.jobs()
        await self._remove(inventory, listed)
        doubtful = [job for job in listed.jobs.values() if has_result(job) and not is_whole(job, inventory)]
        if doubtful:
            await self._check(doubtful)

    async def _remove(self, inventory: Inventory, listed: Listed) -> None:
        orphans = [uid for uid in inventory.keys if uid not in listed.jobs]
        keys = [key for uid in orphans for key in inventory.keys[uid]][:MAX_KEYS]
        for start in range(0, len(keys), _BLOCK):
            await self._store.unlink(keys[start : start + _BLOCK])
        if orphans:
            _logger.info("removed %d keys of %d results whose FractalJob is gone", len(keys), len(orphans))

    async def _check(self, jobs: list[Job]) -> None:
        """Tell of what is really gone: an inventory may lack what came while it was taken, a second one has it."""
        inventory = await self._store.take_inventory()
        for job in jobs:
            if not is_whole(job, inventory):
                self._loses.lose(job.uid, explain_loss(job, self._clock))


def has_result(job: Job) -> bool:
    """Whether the job's status says that its picture is stored."""
    conditions = job.status.conditions
    return holds(conditions, JobCondition.COMPLETE) and holds(conditions, JobCondition.RESULT_AVAILABLE)


def is_whole(job: Job, inventory: Inventory) -> bool:
    """Whether the store has the record of the job's picture, and as many chunks as it must have."""
    size = job.status.result.bytes if job.status.result else 0
    chunks = sum(_CHUNK in key for key in inventory.keys.get(job.uid, ()))
    return job.uid in inventory.results and chunks >= chunk_count(size)


def explain_loss(job: Job, clock: Clock) -> s.LoseResult:
    """What is to be said of a picture that is gone: it had its time, or it was lost before."""
    ttl_s = job.spec.execution.ttl_seconds_after_finished if job.spec else None
    life = timedelta(seconds=expiry_s(IMAGE_EXPIRY_S, ttl_s))
    end = job.status.completion_time
    if end is not None and clock.now() - end >= life:
        days = f"{life.total_seconds() / 86_400:.3g} days"
        message = f"nobody read the picture for {days}; a new FractalJob renders it again"
        return s.LoseResult(reason=JobReason.RESULT_EXPIRED, message=message)
    message = "the store has the picture no longer; a new FractalJob renders it again"
    return s.LoseResult(reason=JobReason.RESULT_LOST, message=message)

"""Work that goes on beside an agent's loop, and ends with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Tasks of one owner. An unexpected exception in one of them is raised by `watch`, which ends the owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let this run beside everything else."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def watch(self) -> None:
        """Never return; raise what a task raised and nobody expected."""
        await asyncio.shield(self._failed)

    async def finish(self, timeout_s: float) -> None:
        """Wait for all of them, but no longer than this; cancel those that are left."""
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

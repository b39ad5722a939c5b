"""Carries tiles from the spool to the store, batch by batch, through the store's bad hours."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from fractal_api.errors import FractalError
from fractal_kernel.agent.patience import Patience
from fractal_kernel.agent.shelf import Blob
from fractal_kernel.agent.spool import Batch, Spool

Put = Callable[[str, Sequence[tuple[int, bytes]]], Awaitable[None]]
"""Makes tiles of a run durable in the store."""


class Listener(Protocol):
    """Who is told how the saving goes."""

    def saved(self, batch: Batch) -> None:
        """The store has these tiles for good."""

    def spool_full(self) -> None:
        """No more tiles should come."""

    def spool_roomy(self) -> None:
        """Tiles may come again."""

    def store_lost(self, run: str, error: FractalError) -> None:
        """The tiles of this run can't be saved, now or ever."""


class Saver:
    """The one task that empties the spool."""

    def __init__(self, spool: Spool, put: Put, *, patience: Patience, listener: Listener) -> None:
        self._spool = spool
        self._put = put
        self._patience = patience
        self._listener = listener
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._full = False

    @property
    def held(self) -> int:
        """Bytes of tiles that wait."""
        return self._spool.held

    def add(self, run: str, epoch: int, tiles: Iterable[tuple[int, Blob]]) -> None:
        """Take tiles, each by its index; they will be saved, in their turn."""
        self._spool.add(run, epoch, tiles)
        self._filled.set()
        self._emptied.clear()
        self._measure()

    def drop(self, run: str) -> None:
        """Save no more tiles of this run."""
        self._spool.drop(run)
        self._measure()

    async def flushed(self) -> None:
        """Return when nothing waits."""
        await self._emptied.wait()

    async def run(self) -> None:
        """Empty the spool, for ever."""
        while True:
            await self._filled.wait()
            if batch := self._spool.batch():
                await self._save(batch)
            else:
                self._filled.clear()
                self._emptied.set()

    async def _save(self, batch: Batch) -> None:
        tiles = list(zip([entry.tile for entry in batch.entries], map(bytes, batch.blobs), strict=True))

        async def put() -> None:
            if self._spool.waits(batch):
                await self._put(batch.run, tiles)

        try:
            await self._patience(put)
        except FractalError as error:
            # Whoever is told drops the run; were these tiles kept, nothing behind them would ever be saved.
            self._spool.drop(batch.run)
            self._listener.store_lost(batch.run, error)
        else:
            if self._spool.waits(batch):
                self._spool.done(batch)
                self._listener.saved(batch)
        self._measure()

    def _measure(self) -> None:
        """Tell when the spool became full, or roomy again."""
        if not self._full and self._spool.full:
            self._full = True
            self._listener.spool_full()
        elif self._full and self._spool.roomy:
            self._full = False
            self._listener.spool_roomy()

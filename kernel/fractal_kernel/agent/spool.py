"""Rendered tiles between rank 0 and the store: a slow store doesn't stop the ranks until this is full."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from fractal_kernel.agent.shelf import Blob, Item, Shelf

CAPACITY: Final = 256 << 20
"""Bytes of tiles at which rendering pauses."""

RESIDENT: Final = 16 << 20
"""Bytes of them in memory; more wait in files, since the agent is to stay below 300 MiB."""

ROOM: Final = 0.5
"""The share of the capacity below which rendering goes on: a pause should be worth its messages."""

BATCH_TILES: Final = 512
BATCH_BYTES: Final = 8 << 20


class Entry(NamedTuple):
    """A tile in the spool, and the epoch of the world that rendered it."""

    run: str
    tile: int
    epoch: int
    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some tiles of one run, in the order of their arrival."""

    run: str
    entries: Sequence[Entry]
    blobs: Sequence[Blob]


class Spool:
    """Tiles in the order of their arrival; it is filled by the world, and emptied batch by batch."""

    def __init__(self, *, folder: Path, capacity: int = CAPACITY, resident: int = RESIDENT) -> None:
        self._shelf = Shelf(resident=resident, folder=folder)
        self._resident = resident
        self._capacity = capacity
        self._entries: deque[Entry] = deque()
        self._disk_full = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held(self) -> int:
        """Bytes of tiles that wait."""
        return self._shelf.held

    @property
    def full(self) -> bool:
        """Whether no more tiles should come. Those that come all the same are kept: they were rendered already."""
        return self.held >= self._capacity or self._disk_full

    @property
    def roomy(self) -> bool:
        """Whether tiles may come again after it was full."""
        return self.held <= self._capacity * ROOM and not self._disk_full

    def add(self, run: str, epoch: int, tiles: Iterable[tuple[int, Blob]]) -> None:
        """Take tiles, each by its index."""
        self._entries.extend(Entry(run, index, epoch, self._put(blob)) for index, blob in tiles)

    def batch(self) -> Batch | None:
        """The next tiles for the store; they stay until they are `done`."""
        if not self._entries:
            return None
        run, length, chosen = self._entries[0].run, 0, list[Entry]()
        for entry in self._entries:
            length += entry.item.length
            if entry.run != run or len(chosen) == BATCH_TILES or (chosen and length > BATCH_BYTES):
                break
            chosen.append(entry)
        return Batch(run=run, entries=chosen, blobs=[self._shelf.read(entry.item) for entry in chosen])

    def waits(self, batch: Batch) -> bool:
        """Whether the tiles of the batch are still here: its run may have been dropped meanwhile."""
        return bool(self._entries) and self._entries[0] is batch.entries[0]

    def done(self, batch: Batch) -> None:
        """The store has these tiles."""
        if self.waits(batch):
            for entry in batch.entries:
                self._entries.popleft()
                self._release(entry)

    def drop(self, run: str) -> None:
        """Forget every tile of a run."""
        kept = deque[Entry]()
        for entry in self._entries:
            if entry.run == run:
                self._release(entry)
            else:
                kept.append(entry)
        self._entries = kept

    def close(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._shelf.close()

    def _put(self, blob: Blob) -> Item:
        try:
            return self._shelf.put(blob)
        except OSError:
            # The disk is full: this tile stays in memory, and the pause that follows lets no more than those in flight
            # come after it.
            self._disk_full = True
            return self._shelf.keep(blob)

    def _release(self, entry: Entry) -> None:
        self._shelf.drop(entry.item)
        self._disk_full = self._disk_full and self.held > self._resident * ROOM

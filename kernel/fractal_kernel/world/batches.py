"""Which tiles a rank gets next, and how many: dear ones first, batches that get smaller toward the end.

Pure. Work is counted in the coarse pass's expected iterations; how fast a rank does it is measured.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.world.costs import tile_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fractal_api.tiling import TileGrid

LONGEST_S: Final = 0.045
"""What a batch is to take while there is much to do: long against its messages, short against a second."""

SHORTEST_S: Final = 0.006
"""What a batch takes at the very end; below, messages would cost more than the ranks' waiting for each other."""

ROUNDS_LEFT: Final = 4
"""A batch is at most this part of a rank's share of what is left."""

MAX_PIXELS: Final = 1 << 20
"""Pixels of a batch of several tiles: its blobs wait in the memory of a rank, and then of rank 0."""

FIRST_RATE: Final = 2e8
"""Iterations a second of a rank that was not measured yet: low, so that the first batches are short."""

MEMORY: Final = 0.5
"""How much of a rate is what it was before the last batch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Tiles to be rendered in one call, and the work expected of them."""

    tiles: tuple[int, ...]
    work: float


class TileQueue:
    """The tiles of a run that nobody has been given yet, the dearest first."""

    def __init__(self, grid: "TileGrid", work: "NDArray[np.float64]", tiles: Collection[int]) -> None:
        # The order is reversed, so that the next tile is the last.
        indices = np.fromiter(tiles, dtype=np.int64, count=len(tiles))
        self._tiles: list[int] = indices[np.lexsort((-indices, work[indices]))].tolist()
        # Lists, since their items are asked for one by one.
        self._work: list[float] = work.tolist()
        self._pixels: list[int] = tile_pixels(grid).tolist()
        self.left = sum(map(self._work.__getitem__, self._tiles))
        """The expected work of all tiles in the queue."""

    def __len__(self) -> int:
        return len(self._tiles)

    def take(self, work: float) -> Batch:
        """The next tiles: about that much work and at most MAX_PIXELS, but one tile at least."""
        taken: list[int] = []
        pixels = 0
        while self._tiles and (not taken or (work > 0 and pixels < MAX_PIXELS)):
            tile = self._tiles[-1]
            pixels += self._pixels[tile]
            if taken and (pixels > MAX_PIXELS or self._work[tile] > 2 * work):
                break
            taken.append(self._tiles.pop())
            work -= self._work[tile]
        batch = Batch(tuple(taken), sum([self._work[tile] for tile in taken]))
        self.left = self.left - batch.work if self._tiles else 0.0
        return batch


class Rates:
    """How much work each rank does in a second; kept from run to run."""

    def __init__(self, ranks: int) -> None:
        self._rates = [FIRST_RATE] * ranks
        self._measured = [False] * ranks

    def learn(self, rank: int, work: float, seconds: float) -> None:
        """A rank did a batch in that time."""
        if work <= 0 or seconds <= 0:
            return
        rate = work / seconds
        self._rates[rank] = MEMORY * self._rates[rank] + (1 - MEMORY) * rate if self._measured[rank] else rate
        self._measured[rank] = True

    def next_work(self, rank: int, left: float) -> float:
        """The work of the rank's next batch, when that much is left for all ranks together."""
        left_s = left / sum(self._rates)
        return self._rates[rank] * min(LONGEST_S, max(SHORTEST_S, left_s / ROUNDS_LEFT))

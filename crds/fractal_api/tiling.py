"""How a picture is cut into tiles and bands: a function of its size and block size alone.

Tiles are the unit of work, storage and preview; bands are whole rows, the unit of the PNG file. Both are fixed by the
spec, so that ranks, faults and resumptions never show in a picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

BAND_ROWS: Final = 64
"""Rows of a PNG band; the last band of a picture may have fewer."""

MAX_TILES: Final = 16_384
"""A store holds at most this many tiles of one picture."""


class Rect(NamedTuple):
    """A rectangle of pixels; x to the right, y down from the top row."""

    x: int
    y: int
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """The number of pixels inside."""
        return self.width * self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class TileGrid:
    """The tiles of a picture, numbered row by row from the top left; edge tiles are clipped."""

    width: int
    height: int
    size: int

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return -(-self.width // self.size)

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.height // self.size)

    def __len__(self) -> int:
        return self.columns * self.rows

    def tile(self, index: int) -> Rect:
        """The rectangle of tile `index`; IndexError beyond the last one."""
        size = self.size
        row, column = divmod(index, self.columns)
        x, y = column * size, row * size
        if not 0 <= y < self.height:
            raise IndexError(f"tile {index} of {len(self)}")
        return Rect(x, y, min(size, self.width - x), min(size, self.height - y))

    def __iter__(self) -> Iterator[Rect]:
        return (self.tile(index) for index in range(len(self)))


def tile_grid(width: int, height: int, block_size: int) -> TileGrid:
    """The store's tiles: `block_size` doubled until there are at most MAX_TILES of them."""
    grid = TileGrid(width=width, height=height, size=block_size)
    while len(grid) > MAX_TILES:
        grid = TileGrid(width=width, height=height, size=grid.size * 2)
    return grid


def band_count(height: int) -> int:
    """The number of PNG bands of a picture with that many rows."""
    return -(-height // BAND_ROWS)


def band_rows(band: int, height: int) -> range:
    """The rows of a band, counted from the top of the picture."""
    return range(band * BAND_ROWS, min((band + 1) * BAND_ROWS, height))

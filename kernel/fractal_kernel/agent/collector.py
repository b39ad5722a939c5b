"""Turns tiles, which come row of tiles by row of tiles, into the bands of the image, as they become complete.

The slabs stay as they are stored, deflated; what doesn't fit into memory waits in files. Pure but for those files.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fractal_api import tiles
from fractal_api.errors import TileError
from fractal_api.tiling import BAND_ROWS, Rect, TileGrid, band_count
from fractal_kernel.agent.shelf import Item, Shelf
from fractal_kernel.image.slabs import inflate, inflate_all

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Stretch(NamedTuple):
    """Slabs of a band, alike and side by side: the first one's tile and rect, the lengths of all, where they are."""

    tile: int
    rect: Rect
    lengths: list[int]
    item: Item


class LostTile(TileError):  # noqa: N818 - it names the tile that is lost
    """The store gave something else than this tile."""

    def __init__(self, tile: int, reason: str) -> None:
        super().__init__(f"tile {tile}: {reason}")
        self.tile = tile


def bands_within(grid: TileGrid, count: int) -> int:
    """How many bands are complete with the first so many tiles."""
    rows = min(count // grid.columns * grid.size, grid.height)
    return band_count(rows) if rows == grid.height else rows // BAND_ROWS


class Collector:
    """Takes every tile of a picture in the order of its index, and gives its bands from the top."""

    def __init__(self, grid: TileGrid, shelf: Shelf) -> None:
        self._grid = grid
        self._shelf = shelf
        self._bands: defaultdict[int, list[_Stretch]] = defaultdict(list)
        self._next_tile = 0

    def add(self, blobs: Sequence[bytes]) -> None:
        """Take the next tiles. LostTile when one isn't what it should be."""
        while blobs:
            column = self._next_tile % self._grid.columns
            alike = max(1, self._grid.width // self._grid.size - column)  # the last one of a row may be narrower
            self._take_apart(blobs[:alike])
            blobs = blobs[alike:]

    def take(self, band: int) -> "NDArray[np.uint8]":
        """The pixels of a complete band, which is then here no longer: (rows, width, 3), top row first.

        LostTile when a slab is damaged.
        """
        stretches = self._bands.pop(band)
        slabs = [slab for stretch in stretches for slab in _cut(self._shelf.take(stretch.item), stretch.lengths)]
        return _pasted(stretches, _pixels(stretches, slabs))

    def _take_apart(self, blobs: Sequence[bytes]) -> None:
        """Take tiles that lie side by side, as large as each other."""
        first = self._next_tile
        whole = self._grid.tile(first)
        _, y, width, height = whole
        rects = [Rect(x, y, width, height) for x in range(whole.x, whole.x + len(blobs) * width, width)]
        band, last = y // BAND_ROWS, (y + height - 1) // BAND_ROWS
        slabs = _only_slabs(first, rects, blobs) if band == last else None
        if slabs is not None:
            self._put(band, first, whole, slabs)
        else:
            for tile, (rect, blob) in enumerate(zip(rects, blobs, strict=True), first):
                for slab in _slabs(tile, rect, blob):
                    self._put(slab.band, tile, Rect(rect.x, slab.first_row, width, slab.rows), [slab.data])
        self._next_tile += len(blobs)

    def _put(self, band: int, tile: int, rect: Rect, slabs: Sequence[bytes | memoryview]) -> None:
        item = self._shelf.put(b"".join(slabs))
        self._bands[band].append(_Stretch(tile, rect, list(map(len, slabs)), item))


def check_tile(tile: int, rect: Rect, blob: bytes) -> None:
    """LostTile unless these bytes are that tile, every check sum proved."""
    for slab in _slabs(tile, rect, blob):
        try:
            tiles.inflate_slab(slab, rect.width)
        except TileError as error:
            raise LostTile(tile, str(error)) from error


def _only_slabs(first: int, rects: Sequence[Rect], blobs: Sequence[bytes]) -> list[bytes] | None:
    """The slabs of tiles that have one each, from index `first` on; None when one is damaged, or isn't that tile."""
    found = [tiles.only_slab(*tile, index=index) for index, tile in enumerate(zip(rects, blobs, strict=True), first)]
    slabs = [slab for slab in found if slab is not None]
    return slabs if len(slabs) == len(found) else None


def _slabs(tile: int, rect: Rect, blob: bytes) -> list[tiles.Slab]:
    """The slabs of a tile; LostTile when one is damaged, or when this isn't that tile."""
    try:
        slabs = tiles.slabs_of(rect, blob, index=tile)
    except TileError as error:
        raise LostTile(tile, str(error)) from error
    for slab in slabs:
        if zlib.crc32(slab.data) != slab.crc:
            raise LostTile(tile, f"the rows from {slab.first_row} on are damaged")
    return slabs


def _cut(slabs: bytes, lengths: Sequence[int]) -> list[bytes]:
    return [slabs[start:end] for start, end in pairwise([0, *accumulate(lengths)])]


def _pixels(stretches: Sequence[_Stretch], slabs: Sequence[bytes]) -> bytes:
    """The pixels of all slabs, one after the other."""
    sizes = [rect.pixels * tiles.CHANNELS for _, rect, lengths, _ in stretches for _ in lengths]
    pixels = inflate_all(sizes, slabs)
    return b"".join(map(_inflated, _tiles(stretches), slabs)) if pixels is None else pixels


def _tiles(stretches: Sequence[_Stretch]) -> Iterator[tuple[int, Rect]]:
    """The index of each slab's tile, and the slab's rect."""
    for first, rect, lengths, _ in stretches:
        for number in range(len(lengths)):
            yield first + number, rect._replace(x=rect.x + number * rect.width)


def _inflated(tile: tuple[int, Rect], slab: bytes) -> bytes:
    index, rect = tile
    try:
        return inflate(rect, slab)
    except TileError as error:
        raise LostTile(index, str(error)) from error


def _pasted(stretches: Sequence[_Stretch], pixels: bytes) -> "NDArray[np.uint8]":
    """The band of stretches whose pixels come slab by slab: rows of tiles from the top, in each from left to right."""
    top, last = stretches[0].rect.y, stretches[-1]
    right = last.rect.x + len(last.lengths) * last.rect.width
    rgb = np.empty((last.rect.y + last.rect.height - top, right * tiles.CHANNELS), dtype=np.uint8)
    flat, start = np.frombuffer(pixels, dtype=np.uint8), 0
    for _, (x, y, width, height), lengths, _ in stretches:
        count, row, left = len(lengths), width * tiles.CHANNELS, x * tiles.CHANNELS
        end = start + count * height * row
        target = rgb[y - top : y - top + height, left : left + count * row].reshape(height, count, row)
        target[:] = flat[start:end].reshape(count, height, row).swapaxes(0, 1)
        start = end
    return rgb.reshape(len(rgb), right, tiles.CHANNELS)

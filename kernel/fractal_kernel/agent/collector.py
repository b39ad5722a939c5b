"""Turns tiles, which come row of tiles by row of tiles, into the bands of the image, as they become complete.

The slabs stay as they are stored, deflated; what doesn't fit into memory waits in files. Pure but for those files.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fractal_api import tiles
from fractal_api.errors import TileError
from fractal_api.tiling import BAND_ROWS, Rect, TileGrid, band_count
from fractal_kernel.agent.shelf import Item, Shelf
from fractal_kernel.image.slabs import inflate, inflate_all

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Piece(NamedTuple):
    """A slab of a band: its rectangle in the picture, the index of its tile, its check sum, and where its bytes are."""

    tile: int
    rect: Rect
    crc: int
    item: Item


class LostTile(TileError):  # noqa: N818 - it names the tile that is lost
    """The store gave something else than this tile."""

    def __init__(self, tile: int, reason: str) -> None:
        super().__init__(f"tile {tile}: {reason}")
        self.tile = tile


def bands_within(grid: TileGrid, tiles: int) -> int:
    """How many bands are complete with the first so many tiles."""
    rows = min(tiles // grid.columns * grid.size, grid.height)
    return band_count(rows) if rows == grid.height else rows // BAND_ROWS


class Collector:
    """Takes every tile of a picture in the order of its index, and gives its bands from the top."""

    def __init__(self, grid: TileGrid, shelf: Shelf) -> None:
        self._grid = grid
        self._shelf = shelf
        self._bands: defaultdict[int, list[Piece]] = defaultdict(list)
        self._next_tile = 0

    def add(self, blobs: Iterable[bytes]) -> None:
        """Take the next tiles. LostTile when one isn't what it should be."""
        for blob in blobs:
            tile = self._next_tile
            whole = self._grid.tile(tile)
            for band, row, rows, crc, data in _slabs(tile, whole, blob):
                rect = Rect(whole.x, row, whole.width, rows)
                self._bands[band].append(Piece(tile, rect, crc, self._shelf.put(bytes(data))))
            self._next_tile += 1

    def take(self, band: int) -> "NDArray[np.uint8]":
        """The pixels of a complete band, which is then here no longer: (rows, width, 3), top row first.

        LostTile when a slab is damaged.
        """
        pieces = self._bands.pop(band)
        rects = [piece.rect for piece in pieces]
        return _pasted(rects, _pixels(pieces, rects, self._shelf.take([piece.item for piece in pieces])))


def check_tile(tile: int, rect: Rect, blob: bytes) -> None:
    """LostTile unless these bytes are that tile, every check sum proved."""
    for slab in _slabs(tile, rect, blob):
        try:
            tiles.inflate_slab(slab, rect.width)
        except TileError as error:
            raise LostTile(tile, str(error)) from error


def _pixels(pieces: Sequence[Piece], rects: Sequence[Rect], slabs: Sequence[bytes]) -> bytes:
    """The pixels of slabs, one after the other."""
    if list(map(zlib.crc32, slabs)) != [piece.crc for piece in pieces]:
        wrong = next(piece for piece, slab in zip(pieces, slabs, strict=True) if zlib.crc32(slab) != piece.crc)
        raise LostTile(wrong.tile, f"the rows from {wrong.rect.y} on are damaged")
    pixels = inflate_all(rects, slabs)
    return b"".join(map(_inflated, pieces, slabs)) if pixels is None else pixels


def _inflated(piece: Piece, slab: bytes) -> bytes:
    try:
        return inflate(piece.rect, slab)
    except TileError as error:
        raise LostTile(piece.tile, str(error)) from error


def _pasted(rects: Sequence[Rect], pixels: bytes) -> "NDArray[np.uint8]":
    """The band of rects whose pixels come one after the other: rows of them from the top, in each from the left."""
    top, last = rects[0].y, rects[-1]
    rgb = np.empty((last.y + last.height - top, (last.x + last.width) * tiles.CHANNELS), dtype=np.uint8)
    flat, start = np.frombuffer(pixels, dtype=np.uint8), 0
    for (y, width, height), group in groupby(rects, itemgetter(1, 2, 3)):
        alike = list(group)
        left, row, count = alike[0].x * tiles.CHANNELS, width * tiles.CHANNELS, len(alike)
        end = start + count * height * row
        target = rgb[y - top : y - top + height, left : left + count * row].reshape(height, count, row)
        target[:] = flat[start:end].reshape(count, height, row).swapaxes(0, 1)
        start = end
    return rgb.reshape(len(rgb), -1, tiles.CHANNELS)


def _slabs(tile: int, rect: Rect, blob: bytes) -> list[tiles.Slab]:
    try:
        return tiles.slabs_of(rect, blob, index=tile)
    except TileError as error:
        raise LostTile(tile, str(error)) from error

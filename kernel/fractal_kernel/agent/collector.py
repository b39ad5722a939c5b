"""Turns tiles, which come row of tiles by row of tiles, into the bands of the image, as they become complete.

The slabs stay as they are stored, deflated; what doesn't fit into memory waits in files. Pure but for those files.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
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
    """A slab of a band: its rectangle in the picture, the index of its tile, its check sum, and its bytes."""

    tile: int
    rect: Rect
    crc: int
    data: memoryview


class _Waiting(NamedTuple):
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
        self._bands: defaultdict[int, list[_Waiting]] = defaultdict(list)
        self._next_tile = 0

    def add(self, blobs: Iterable[bytes]) -> None:
        """Take the next tiles. LostTile when one isn't what it should be."""
        for blob in blobs:
            tile, whole = self._next_tile, self._grid.tile(self._next_tile)
            for slab in _slabs(tile, whole, blob):
                rect = Rect(whole.x, slab.first_row, whole.width, slab.rows)
                item = self._shelf.put(bytes(slab.data))
                self._bands[slab.band].append(_Waiting(tile, rect, slab.crc, item))
            self._next_tile += 1

    def take(self, band: int) -> list[Piece]:
        """A complete band, which is then here no longer: rows of tiles from the top, in each from left to right."""
        return [self._take(waiting) for waiting in self._bands.pop(band)]

    def _take(self, waiting: _Waiting) -> Piece:
        data = self._shelf.read(waiting.item)
        self._shelf.drop(waiting.item)
        return Piece(waiting.tile, waiting.rect, waiting.crc, memoryview(data))


def check_tile(tile: int, rect: Rect, blob: bytes) -> None:
    """LostTile unless these bytes are that tile, every check sum proved."""
    for slab in _slabs(tile, rect, blob):
        try:
            tiles.inflate_slab(slab, rect.width)
        except TileError as error:
            raise LostTile(tile, str(error)) from error


def band_rgb(pieces: Sequence[Piece]) -> "NDArray[np.uint8]":
    """The pixels of a band: (rows, width, 3), top row first; LostTile when a piece is damaged."""
    rects = [piece.rect for piece in pieces]
    pixels, start = np.frombuffer(_pixels(rects, pieces), dtype=np.uint8), 0
    top, last = rects[0].y, rects[-1]
    rgb = np.empty((last.y + last.height - top, last.x + last.width, tiles.CHANNELS), dtype=np.uint8)
    for x, y, width, height in rects:
        end = start + width * height * tiles.CHANNELS
        rgb[y - top : y - top + height, x : x + width] = pixels[start:end].reshape(height, width, tiles.CHANNELS)
        start = end
    return rgb


def _pixels(rects: Sequence[Rect], pieces: Sequence[Piece]) -> bytes:
    """The pixels of the pieces, one after the other."""
    for piece in pieces:
        if zlib.crc32(piece.data) != piece.crc:
            raise LostTile(piece.tile, f"the rows from {piece.rect.y} on are damaged")
    pixels = inflate_all(rects, [piece.data for piece in pieces])
    return b"".join(map(_inflated, pieces)) if pixels is None else pixels


def _inflated(piece: Piece) -> bytes:
    try:
        return inflate(piece.rect, piece.data)
    except TileError as error:
        raise LostTile(piece.tile, str(error)) from error


def _slabs(tile: int, rect: Rect, blob: bytes) -> list[tiles.Slab]:
    try:
        return tiles.slabs_of(rect, blob, index=tile)
    except TileError as error:
        raise LostTile(tile, str(error)) from error

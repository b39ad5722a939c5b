"""Turns tiles, which come row of tiles by row of tiles, into the bands of the image, as they become complete.

The slabs stay as they are stored, deflated; what doesn't fit into memory waits in files. Pure but for those files.
"""

import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fractal_api import tiles
from fractal_api.errors import TileError
from fractal_api.tiling import BAND_ROWS, Rect, TileGrid, band_count
from fractal_kernel.agent.shelf import Blob, Item, Shelf
from fractal_kernel.image.slabs import inflate

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Piece(NamedTuple):
    """A slab of a band: its rectangle in the picture, the index of its tile, its check sum, and its bytes."""

    tile: int
    rect: Rect
    crc: int
    data: Blob


@dataclass(frozen=True, slots=True, kw_only=True)
class BandPieces:
    """A complete band: its pieces, rows of tiles from the top, in each from left to right."""

    band: int
    pieces: tuple[Piece, ...]


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

    def add(self, blob: bytes) -> None:
        """Take the next tile. LostTile when it isn't that tile."""
        tile = self._next_tile
        whole = self._grid.tile(tile)
        for slab in _slabs(tile, whole, blob):
            rect = Rect(whole.x, slab.first_row, whole.width, slab.rows)
            item = self._shelf.put(bytes(slab.data))
            self._bands[slab.band].append(_Waiting(tile=tile, rect=rect, crc=slab.crc, item=item))
        self._next_tile += 1

    def take(self, band: int) -> BandPieces:
        """A band that is complete, which is then here no longer."""
        return BandPieces(band=band, pieces=tuple(self._take(waiting) for waiting in self._bands.pop(band)))

    def _take(self, waiting: _Waiting) -> Piece:
        data = self._shelf.read(waiting.item)
        self._shelf.drop(waiting.item)
        return Piece(tile=waiting.tile, rect=waiting.rect, crc=waiting.crc, data=data)


def check_tile(tile: int, rect: Rect, blob: bytes) -> None:
    """LostTile unless these bytes are that tile, every check sum proved."""
    for slab in _slabs(tile, rect, blob):
        try:
            tiles.inflate_slab(slab, rect.width)
        except TileError as error:
            raise LostTile(tile, str(error)) from error


def band_rgb(band: BandPieces) -> "NDArray[np.uint8]":
    """The pixels of a band: (rows, width, 3), top row first; LostTile when a piece is damaged."""
    rects = [piece.rect for piece in band.pieces]
    top, bottom = min(rect.y for rect in rects), max(rect.y + rect.height for rect in rects)
    rgb = np.empty((bottom - top, max(rect.x + rect.width for rect in rects), tiles.CHANNELS), dtype=np.uint8)
    for piece, rect in zip(band.pieces, rects, strict=True):
        rgb[rect.y - top : rect.y - top + rect.height, rect.x : rect.x + rect.width] = _pixels(piece)
    return rgb


def _pixels(piece: Piece) -> "NDArray[np.uint8]":
    if zlib.crc32(piece.data) != piece.crc:
        raise LostTile(piece.tile, f"the rows from {piece.rect.y} on are damaged")
    try:
        return inflate(piece.rect, piece.data)
    except TileError as error:
        raise LostTile(piece.tile, str(error)) from error


def _slabs(tile: int, rect: Rect, blob: bytes) -> list[tiles.Slab]:
    try:
        header = tiles.read_header(blob)
        slabs = tiles.slabs_of(header, blob)
    except TileError as error:
        raise LostTile(tile, str(error)) from error
    if (header.index, header.rect) != (tile, rect):
        raise LostTile(tile, f"the store gave tile {header.index} at {tuple(header.rect)}")
    return slabs

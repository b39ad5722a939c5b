"""The tile codec: a rendered rectangle as bytes that the store keeps and that a PNG band is assembled from.

A blob is a head, a table and slabs. A slab holds the rows of the tile that lie inside one PNG band (64 rows of the
picture), deflated alone, so that a band is put together without decoding whole tiles:

    head    magic "FT", format, picture version, kind, reserved (u8 each); index, x, y, width, height (u32); slabs (u16)
    table   for each slab its length and its CRC-32 (u32 each)
    check   CRC-32 of head and table (u32)
    slabs   one after the other

All numbers are big-endian. Pure code: no I/O, and no pydantic, since MPI ranks use it.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from fractal_api import PICTURE_VERSION
from fractal_api.errors import TileError
from fractal_api.tiling import BAND_ROWS, Rect

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC: Final = b"FT"
FORMAT: Final = 1
RGB8: Final = 1
"""The kind of a tile of final pixels, 3 bytes each. Raw channels will be further kinds."""

CHANNELS: Final = 3
MAX_SIDE: Final = 65_536
"""Pixels of a picture's side, at most."""

_LEVEL: Final = 1
_HEAD: Final = Struct(">2sBBBBIIIIIH")
_ENTRY: Final = Struct(">II")
_CHECK: Final = Struct(">I")
_ONE_SLAB: Final = _HEAD.size + _ENTRY.size + _CHECK.size
"""Where the slab of a tile begins that has no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileHeader:
    """What a blob says about its tile: its number in the picture's tile grid, and its rectangle."""

    index: int
    rect: Rect
    picture_version: int = PICTURE_VERSION
    kind: int = RGB8


class Slab(NamedTuple):
    """The rows of a tile inside one band, deflated; `first_row` counts from the top of the picture."""

    band: int
    first_row: int
    rows: int
    crc: int
    data: memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedTile:
    """A tile with its pixels: height × width × 3 bytes, top row first."""

    header: TileHeader
    rgb: bytes


def band_spans(rect: Rect) -> list[tuple[int, int, int]]:
    """The bands that a rectangle, which isn't empty, touches, each as (band, first row of the picture, rows)."""
    _, y, _, height = rect
    end = y + height
    first, last = y // BAND_ROWS, (end - 1) // BAND_ROWS
    if first == last:  # so it is with most tiles, and there are thousands of them
        return [(first, y, height)]
    starts = [y, *range((first + 1) * BAND_ROWS, end, BAND_ROWS), end]
    return [(first + at, row, stop - row) for at, (row, stop) in enumerate(pairwise(starts))]


def _slab_count(rect: Rect) -> int:
    """The bands that a rectangle, which isn't empty, touches."""
    return (rect.y + rect.height - 1) // BAND_ROWS - rect.y // BAND_ROWS + 1


def encode_tile(tile: Rect, rgb: "Buffer", *, index: int) -> bytes:
    """The blob of a tile; `rgb` is C-contiguous and holds height × width × 3 bytes, top row first.

    ValueError when it holds another number of bytes.
    """
    pixels = memoryview(rgb).cast("B")
    if len(pixels) != tile.pixels * CHANNELS:
        raise ValueError(f"{tile} needs {tile.pixels * CHANNELS} bytes, not {len(pixels)}")
    stride = tile.width * CHANNELS
    slabs = [
        zlib.compress(pixels[(row - tile.y) * stride : (row - tile.y + rows) * stride], _LEVEL)
        for _, row, rows in band_spans(tile)
    ]
    return join_tile(tile, slabs, index=index)


def join_tile(tile: Rect, slabs: Sequence[bytes], *, index: int) -> bytes:
    """The blob of a tile from its slabs, each the deflated rows of one of its `band_spans`.

    So a large tile can be made piece by piece. ValueError when there is another number of them.
    """
    if len(slabs) != _slab_count(tile):
        raise ValueError(f"{tile} doesn't have {len(slabs)} slabs")
    return b"".join((_prefix(tile, slabs, index), *slabs))


def only_slab(tile: Rect, blob: bytes, *, index: int) -> bytes | None:
    """The slab of a blob that is this very tile, which has no other; None when the blob isn't, or the tile has.

    So it is with most tiles, and this is the shortest way to look: what comes before the slab, with all check sums,
    follows from it.
    """
    slab = blob[_ONE_SLAB:] if _slab_count(tile) == 1 else b""
    return slab if slab and blob[:_ONE_SLAB] == _prefix(tile, (slab,), index) else None


def _prefix(tile: Rect, slabs: Sequence[bytes], index: int) -> bytes:
    """What comes before the slabs of a blob."""
    head = _HEAD.pack(MAGIC, FORMAT, PICTURE_VERSION, RGB8, 0, index, *tile, len(slabs))
    for slab in slabs:
        head += _ENTRY.pack(len(slab), zlib.crc32(slab))
    return head + _CHECK.pack(zlib.crc32(head))


def read_header(blob: "Buffer") -> TileHeader:
    """The header of a blob, its check sum proved; TileError on anything but a tile of this version."""
    view = memoryview(blob).cast("B")
    if len(view) < _HEAD.size or bytes(view[:2]) != MAGIC:
        raise TileError(f"{len(view)} bytes that don't begin as a tile does")
    _, form, version, kind, reserved, index, x, y, width, height, count = _HEAD.unpack_from(view)
    if (form, version, kind, reserved) != (FORMAT, PICTURE_VERSION, RGB8, 0):
        raise TileError(
            f"a tile of format {form}, picture version {version} and kind {kind}; "
            f"this program reads format {FORMAT}, picture version {PICTURE_VERSION} and kind {RGB8}"
        )
    rect = Rect(x, y, width, height)
    if not (width and height and x + width <= MAX_SIDE and y + height <= MAX_SIDE):
        raise TileError(f"tile {index} has an impossible rectangle {tuple(rect)}")
    if count != _slab_count(rect):
        raise TileError(f"the table of tile {index} doesn't fit its height")
    _prove_table(view, index, count)
    return TileHeader(index=index, rect=rect, picture_version=version, kind=kind)


def slabs_of(tile: Rect, blob: "Buffer", *, index: int) -> list[Slab]:
    """The slabs of a blob that is to be this very tile, top first, as views into it; TileError when it isn't."""
    view = memoryview(blob).cast("B")
    count = _slab_count(tile)
    if view[: _HEAD.size] != _HEAD.pack(MAGIC, FORMAT, PICTURE_VERSION, RGB8, 0, index, *tile, count):
        found = read_header(view)
        raise TileError(f"tile {found.index} at {tuple(found.rect)} instead of tile {index} at {tuple(tile)}")
    _prove_table(view, index, count)
    return _table(view, tile)


def _prove_table(view: memoryview, index: int, count: int) -> None:
    """TileError unless a table of so many slabs is there, and it and the head before it are what was written."""
    end = _HEAD.size + count * _ENTRY.size
    if len(view) < end + _CHECK.size:
        raise TileError(f"tile {index} is cut short")
    if _CHECK.unpack_from(view, end)[0] != zlib.crc32(view[:end]):
        raise TileError(f"the header of tile {index} is damaged")


def _table(view: memoryview, tile: Rect) -> list[Slab]:
    """The slabs of a blob whose table is proved; TileError when it is cut short, or longer than its table says."""
    at, start = _HEAD.size, _HEAD.size + _slab_count(tile) * _ENTRY.size + _CHECK.size
    found = []
    for band, row, rows in band_spans(tile):
        length, crc = _ENTRY.unpack_from(view, at)
        found.append(Slab(band, row, rows, crc, view[start : start + length]))
        at += _ENTRY.size
        start += length
    if start != len(view):
        raise TileError(f"a tile of {start} bytes came as {len(view)}")
    return found


def inflate_slab(slab: Slab, width: int) -> bytes:
    """The pixels of a slab: rows × width × 3 bytes; TileError when it is damaged or holds anything else."""
    size = slab.rows * width * CHANNELS
    if zlib.crc32(slab.data) != slab.crc:
        raise TileError(f"the rows from {slab.first_row} on are damaged")
    inflater = zlib.decompressobj()
    try:
        # The bound keeps a forged slab from asking for more memory than its rectangle says.
        rgb = inflater.decompress(slab.data, size + 1)
    except zlib.error as error:
        raise TileError(f"the rows from {slab.first_row} on don't inflate: {error}") from error
    if len(rgb) != size or not inflater.eof or inflater.unused_data:
        raise TileError(f"the rows from {slab.first_row} on don't hold {size} bytes of pixels")
    return rgb


def decode_tile(blob: "Buffer") -> DecodedTile:
    """The tile of a blob, every check sum proved; TileError on a foreign or damaged one, or one of another version."""
    view = memoryview(blob).cast("B")
    header = read_header(view)
    rgb = b"".join(inflate_slab(slab, header.rect.width) for slab in _table(view, header.rect))
    return DecodedTile(header=header, rgb=rgb)

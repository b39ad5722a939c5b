"""Puts the image of a run together from its stored tiles; no world is needed for it.

Memory is bounded at any size: tiles come a few at a time, the slabs of a row of tiles wait on a shelf, a few bands are
in work at once, and the file leaves in chunks. A tile that the store lost or damaged is named, so that it alone is
rendered again.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fractal_api import PICTURE_VERSION
from fractal_api.storage import CHUNK_BYTES, ResultRecord, chunk_count
from fractal_api.tiling import BAND_ROWS, TileGrid
from fractal_kernel.agent.album import Album
from fractal_kernel.agent.collector import LostTile, bands_within, check_tile
from fractal_kernel.agent.patience import Patience
from fractal_kernel.agent.press import Press
from fractal_kernel.agent.window import Window
from fractal_kernel.image import png
from fractal_kernel.store.interface import StoreCorrupt

if TYPE_CHECKING:
    from hashlib import _Hash

    from fractal_kernel.store.interface import RunKey, Store

BANDS_BYTES: Final = 32 << 20
"""Bytes of pixels of the bands that are in work at once; one of them is there filtered and deflated, too."""

PART_BYTES: Final = 1 << 20
"""Bytes of pixels that are asked for, and put to work, at once: what threads say to each other costs 0.1 ms."""

LARGE_BYTES: Final = 1 << 20
"""Bytes of tiles, as they are stored, that aren't taken before those before them are done."""

MOST_PARTS: Final = 8
READS: Final = 16
"""Tiles that are read at the same time."""


class TilesLost(StoreCorrupt):
    """The store no longer has these tiles, or has them damaged."""

    def __init__(self, lost: frozenset[int], message: str) -> None:
        super().__init__(message)
        self.lost = lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """An image to be put together: of which run, in which store, how cut; `texts` go into the file's head."""

    run: "RunKey"
    store: "Store"
    grid: TileGrid
    texts: Mapping[str, str]
    folder: Path
    patience: Patience
    album: Album = field(default_factory=Album)
    """What of its stored tiles is in memory, too."""

    @property
    def bands_a_part(self) -> int:
        """Bands that are put to work at once."""
        return max(1, PART_BYTES // (3 * self.grid.width * BAND_ROWS))

    @property
    def parts_at_once(self) -> int:
        """Parts that are in work at the same time."""
        return max(1, min(MOST_PARTS, BANDS_BYTES // (3 * self.grid.width * BAND_ROWS * self.bands_a_part)))


async def assemble(assembly: Assembly, *, max_iterations: int, seconds: float) -> ResultRecord:
    """Write the image into the store and commit it; the record that stands, which may be another attempt's.

    TilesLost when tiles are gone, StoreCorrupt when the written image reads back differently, OutOfPatience when the
    store was away for too long. `seconds` is what the rendering took.
    """
    file = _ChunkWriter(assembly)
    pixels = hashlib.sha256()
    try:
        await _write_file(assembly, file, pixels)
    except LostTile as error:
        standing = await assembly.patience(lambda: assembly.store.read_result(assembly.run))
        if standing is not None:  # another attempt has committed, and with its record the tiles went
            return standing
        lost = await _find_lost(assembly, error.tile)
        raise TilesLost(lost, f"{len(lost)} tiles can't be read back, among them {error}") from error
    record = ResultRecord(
        sha256=file.digest.hexdigest(),
        pixels_sha256=pixels.hexdigest(),
        bytes=file.size,
        chunks=chunk_count(file.size),
        chunk_bytes=CHUNK_BYTES,
        attempt=assembly.run.attempt,
        width=assembly.grid.width,
        height=assembly.grid.height,
        seconds=seconds,
        max_iterations=max_iterations,
        picture_version=PICTURE_VERSION,
    )
    return await assembly.patience(lambda: assembly.store.commit(assembly.run, record))


async def _write_file(assembly: Assembly, file: "_ChunkWriter", pixels: "_Hash") -> None:
    image, done, tiles = png.Assembler(), 0, 0
    await file.write(png.head(assembly.grid.width, assembly.grid.height, assembly.texts))
    with Press(assembly.grid, assembly.folder, pixels) as press:
        async with aclosing(_parts(assembly)) as parts, Window[list[png.Band]](assembly.parts_at_once) as printed:

            async def write() -> None:
                await file.write(b"".join(map(image.band, await printed.take())))

            async for blobs in parts:
                tiles += len(blobs)
                complete = range(done, bands_within(assembly.grid, tiles))
                done = complete.stop
                while printed and _large(blobs):
                    await write()
                for first in range(0, max(1, len(complete)), assembly.bands_a_part):
                    if printed.full:
                        await write()
                    bands = complete[first : first + assembly.bands_a_part]
                    printed.begin(press.print([] if first else blobs, bands))
            while printed:
                await write()
    await file.write(image.tail())
    await file.end()


async def _parts(assembly: Assembly) -> AsyncGenerator[list[bytes]]:
    """Every tile of the picture in the order of its index, part by part; the next part is asked for ahead.

    Unless it is large: beside a tile of 48 MiB that is taken apart there is memory for one more.
    """
    async with Window[list[bytes]](1) as asked:
        for tiles in _cut(assembly.grid):
            before = await asked.take() if asked else []
            if _large(before):
                yield before
                before = []
            known = assembly.album.find_all(assembly.run.id, tiles)
            if known is None:
                asked.begin(_blobs(assembly, tiles))
            if before:
                yield before
            if known is not None:
                yield known
        if asked:
            yield await asked.take()


def _large(blobs: Sequence[bytes]) -> bool:
    return sum(map(len, blobs)) > LARGE_BYTES


def _cut(grid: TileGrid) -> Iterator[range]:
    """The tiles in parts that hold at most PART_BYTES of pixels, or one tile: some rows of them, or pieces of a row."""
    most = max(1, PART_BYTES // (3 * grid.size**2))
    whole = most // grid.columns * grid.columns
    for row in range(0, len(grid), whole or grid.columns):
        stop = min(row + (whole or grid.columns), len(grid))
        for first in range(row, stop, most):
            yield range(first, min(first + most, stop))


async def _blobs(assembly: Assembly, tiles: range) -> list[bytes]:
    """These tiles: those that are in memory, and the others from the store, a few of them at once."""
    blobs = {tile: assembly.album.find(assembly.run.id, tile) for tile in tiles}
    async with Window[None](READS) as reading:

        async def read(tile: int) -> None:
            blobs[tile] = await _tile(assembly, tile)

        for tile in [tile for tile, blob in blobs.items() if blob is None]:
            if reading.full:
                await reading.take()
            reading.begin(read(tile))
        while reading:
            await reading.take()
    return [blob for blob in blobs.values() if blob is not None]


async def _tile(assembly: Assembly, tile: int) -> bytes:
    try:
        return await assembly.patience(lambda: assembly.store.get_tile(assembly.run, tile))
    except StoreCorrupt as error:
        raise LostTile(tile, str(error)) from error


async def _find_lost(assembly: Assembly, first: int) -> frozenset[int]:
    """Every tile that can't be read back; `first` is known to be one."""
    lost = {first}
    for tile in range(len(assembly.grid)):
        try:
            blob = await _tile(assembly, tile)
            await asyncio.to_thread(check_tile, tile, assembly.grid.tile(tile), blob)
        except LostTile:
            lost.add(tile)
    return frozenset(lost)


class _ChunkWriter:
    """Cuts a file into chunks and puts them into the store."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._chunk: list[bytes | memoryview] = []
        self._room = CHUNK_BYTES
        self._number = 0
        self.size = 0
        self.digest = hashlib.sha256()

    async def write(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)
        rest = memoryview(data)
        while len(rest) >= self._room:
            self._chunk.append(rest[: self._room])
            rest = rest[self._room :]
            await self._put()
        self._chunk.append(rest)
        self._room -= len(rest)

    async def end(self) -> None:
        if self._room < CHUNK_BYTES:
            await self._put()

    async def _put(self) -> None:
        number, data = self._number, b"".join(self._chunk)
        self._number, self._chunk, self._room = number + 1, [], CHUNK_BYTES
        await self._assembly.patience(lambda: self._assembly.store.put_chunk(self._assembly.run, number, data))

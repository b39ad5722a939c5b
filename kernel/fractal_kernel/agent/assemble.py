"""Puts the image of a run together from its stored tiles; no world is needed for it.

Memory is bounded at any size: tiles come one after the other, the slabs of a row of tiles wait on a shelf, a few bands
are drawn at once, and the file leaves in chunks. A tile that the store lost or damaged is named, so that it alone is
rendered again.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from fractal_api import PICTURE_VERSION
from fractal_api.storage import CHUNK_BYTES, ResultRecord, chunk_count
from fractal_api.tiling import BAND_ROWS, TileGrid
from fractal_kernel.agent.album import Album
from fractal_kernel.agent.collector import BandPieces, Collector, LostTile, band_rgb, check_tile
from fractal_kernel.agent.patience import Patience
from fractal_kernel.agent.shelf import Shelf
from fractal_kernel.agent.window import Window
from fractal_kernel.image import png
from fractal_kernel.store.interface import StoreCorrupt

if TYPE_CHECKING:
    from hashlib import _Hash

    import numpy as np
    from numpy.typing import NDArray

    from fractal_kernel.store.interface import RunKey, Store

RESIDENT: Final = 16 << 20
"""Bytes of slabs in memory; the others wait in files, since a single tile of 4096² may have 48 MiB, and pass twice."""

BANDS_BYTES: Final = 32 << 20
"""Bytes of pixels of the bands that are drawn at once; filtered and deflated they may take as much again, twice."""

AHEAD_BYTES: Final = 4 << 20
"""Bytes of pixels of the tiles that are asked for ahead."""

MOST_THREADS: Final = 4
"""Threads that draw bands. Their hash, which is one for the whole picture, takes a quarter of what they do."""

MOST_AHEAD: Final = 16


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
    def bands_at_once(self) -> int:
        """Bands that are drawn, or wait for those above them, at once."""
        return max(1, min(2 * self.threads, BANDS_BYTES // (3 * self.grid.width * BAND_ROWS)))

    @property
    def threads(self) -> int:
        """Threads that draw bands."""
        return min(MOST_THREADS, len(os.sched_getaffinity(0)))

    @property
    def tiles_ahead(self) -> int:
        """Tiles that are asked for before they are needed."""
        return max(1, min(MOST_AHEAD, AHEAD_BYTES // (3 * self.grid.size**2)))


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


class _DrawnBand(NamedTuple):
    """A band: its pixels, (rows, width, 3), and the same deflated."""

    rgb: "NDArray[np.uint8]"
    encoded: png.Band


async def _write_file(assembly: Assembly, file: "_ChunkWriter", pixels: "_Hash") -> None:
    image, loop = png.Assembler(), asyncio.get_running_loop()
    # One thread more, for the hash: it runs over the bands in their order, while those below are drawn.
    pool = ThreadPoolExecutor(assembly.threads + 1, thread_name_prefix="image")
    try:
        await file.write(png.head(assembly.grid.width, assembly.grid.height, assembly.texts))
        async with aclosing(_drawn(assembly, pool)) as bands:
            async for band in bands:
                hashed = loop.run_in_executor(pool, pixels.update, band.rgb.data)
                await file.write(image.band(band.encoded))
                await hashed
        await file.write(image.tail())
        await file.end()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def _drawn(assembly: Assembly, pool: ThreadPoolExecutor) -> AsyncGenerator[_DrawnBand]:
    """The bands of the picture from the top, every check sum proved; LostTile when a tile can't be read back."""

    async def draw(band: BandPieces) -> _DrawnBand:
        return await asyncio.get_running_loop().run_in_executor(pool, _draw, band)

    async with aclosing(_bands(assembly)) as bands, Window[_DrawnBand](assembly.bands_at_once) as drawing:
        async for band in bands:
            if drawing.full:
                yield await drawing.take()
            drawing.begin(draw(band))
            await asyncio.sleep(0)  # so that it begins before the next band is complete
        while drawing:
            yield await drawing.take()


def _draw(band: BandPieces) -> _DrawnBand:
    rgb = band_rgb(band)
    return _DrawnBand(rgb, png.encode_band(rgb))


async def _bands(assembly: Assembly) -> AsyncGenerator[BandPieces]:
    """The bands of the picture from the top; LostTile when a tile can't be read back."""
    shelf = Shelf(resident=RESIDENT, folder=assembly.folder)
    collector = Collector(assembly.grid, shelf)
    try:
        async with aclosing(_tiles(assembly)) as blobs:
            async for blob in blobs:
                for band in collector.add(blob):
                    yield band
    finally:
        shelf.close()


async def _tiles(assembly: Assembly) -> AsyncGenerator[bytes]:
    """Every tile of the picture in the order of its index, a few of them asked for ahead."""
    async with Window[bytes](assembly.tiles_ahead) as asked:
        for tile in range(len(assembly.grid)):
            known = assembly.album.find(assembly.run.id, tile)
            while asked and (asked.full or known is not None):
                yield await asked.take()
            if known is not None:
                yield known
            else:
                asked.begin(_tile(assembly, tile))
        while asked:
            yield await asked.take()


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
        self._waiting = bytearray()
        self._number = 0
        self.size = 0
        self.digest = hashlib.sha256()

    async def write(self, data: bytes) -> None:
        self.digest.update(data)
        self.size += len(data)
        self._waiting += data
        while len(self._waiting) >= CHUNK_BYTES:
            await self._put(CHUNK_BYTES)

    async def end(self) -> None:
        if self._waiting:
            await self._put(len(self._waiting))

    async def _put(self, length: int) -> None:
        number, data = self._number, bytes(self._waiting[:length])
        del self._waiting[:length]
        self._number += 1
        await self._assembly.patience(lambda: self._assembly.store.put_chunk(self._assembly.run, number, data))

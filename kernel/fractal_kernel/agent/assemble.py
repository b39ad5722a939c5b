"""Puts the image of a run together from its stored tiles, while the ranks deflate its bands.

Memory is bounded at any size: tiles come one after the other, the slabs of a row of tiles wait on a shelf, a few bands
are with the ranks at once, and the file leaves in chunks. A tile that the store lost or damaged is named, so that it
alone is rendered again.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fractal_api import PICTURE_VERSION
from fractal_api.storage import CHUNK_BYTES, ResultRecord, chunk_count
from fractal_api.tiling import BAND_ROWS, TileGrid, band_rows
from fractal_kernel.agent.album import Album
from fractal_kernel.agent.collector import BandPieces, Collector, LostTile, band_rgb, check_tile
from fractal_kernel.agent.patience import Patience
from fractal_kernel.agent.shelf import Shelf
from fractal_kernel.agent.window import Window
from fractal_kernel.image import png
from fractal_kernel.store.interface import StoreCorrupt
from fractal_kernel.wire import Band, Deflated

if TYPE_CHECKING:
    from hashlib import _Hash

    from fractal_kernel.store.interface import RunKey, Store

RESIDENT: Final = 16 << 20
"""Bytes of slabs in memory; the others wait in files, since a single tile of 4096² may have 48 MiB, and pass twice."""

BANDS_BYTES: Final = 32 << 20
"""Bytes of pixels of the bands that are with the ranks at once."""

AHEAD_BYTES: Final = 4 << 20
"""Bytes of pixels of the tiles that are asked for ahead."""

HASHED_AHEAD: Final = 2
"""Bands that are hashed, or wait for it, at once: the thread that does it never waits for the next."""

MOST_BANDS: Final = 16
MOST_AHEAD: Final = 16

Deflate = Callable[[Band], Coroutine[Any, Any, Deflated]]
"""Lets some rank deflate a band."""


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
        """Bands that are with the ranks at once."""
        return max(1, min(MOST_BANDS, BANDS_BYTES // (3 * self.grid.width * BAND_ROWS)))

    @property
    def tiles_ahead(self) -> int:
        """Tiles that are asked for before they are needed."""
        return max(1, min(MOST_AHEAD, AHEAD_BYTES // (3 * self.grid.size**2)))


async def assemble(assembly: Assembly, deflate: Deflate, *, max_iterations: int, seconds: float) -> ResultRecord:
    """Write the image into the store and commit it; the record that stands, which may be another attempt's.

    TilesLost when tiles are gone, StoreCorrupt when the written image reads back differently, OutOfPatience when the
    store was away for too long. `seconds` is what the rendering took.
    """
    file = _ChunkWriter(assembly)
    pixels = hashlib.sha256()
    try:
        await _write_file(assembly, deflate, file, pixels)
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


async def _write_file(assembly: Assembly, deflate: Deflate, file: "_ChunkWriter", pixels: "_Hash") -> None:
    image = png.Assembler()
    await file.write(png.head(assembly.grid.width, assembly.grid.height, assembly.texts))
    async with aclosing(_hashed(assembly, pixels)) as bands, Window[Deflated](assembly.bands_at_once) as deflating:
        async for band in bands:
            if deflating.full:
                await file.write(image.band(_encoded(await deflating.take(), assembly.grid)))
            deflating.begin(deflate(_request(assembly, band)))
        while deflating:
            await file.write(image.band(_encoded(await deflating.take(), assembly.grid)))
    await file.write(image.tail())
    await file.end()


async def _hashed(assembly: Assembly, pixels: "_Hash") -> AsyncGenerator[BandPieces]:
    """The bands of the picture from the top, every check sum proved; LostTile when a tile can't be read back.

    In a thread of its own, since it takes a while, one after the other: meanwhile the next ones are collected.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hash")

    async def hashed(band: BandPieces) -> BandPieces:
        await asyncio.get_running_loop().run_in_executor(thread, _hash, pixels, band)
        return band

    try:
        async with aclosing(_bands(assembly)) as bands, Window[BandPieces](HASHED_AHEAD) as hashing:
            async for band in bands:
                if hashing.full:
                    yield await hashing.take()
                hashing.begin(hashed(band))
                await asyncio.sleep(0)  # so that it begins before the next band is complete
            while hashing:
                yield await hashing.take()
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def _hash(pixels: "_Hash", band: BandPieces) -> None:
    pixels.update(band_rgb(band).data)


def _request(assembly: Assembly, band: BandPieces) -> Band:
    return Band(
        run=assembly.run.id,
        band=band.band,
        width=assembly.grid.width,
        height=assembly.grid.height,
        tile=assembly.grid.size,
        slabs=tuple(piece.data for piece in band.pieces),
    )


def _encoded(deflated: Deflated, grid: TileGrid) -> png.Band:
    rows = band_rows(deflated.band, grid.height)
    return png.Band(data=bytes(deflated.data), adler=deflated.adler, raw_bytes=len(rows) * (1 + 3 * grid.width))


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

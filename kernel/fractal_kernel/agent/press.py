"""The threads that make an image's bands of tiles: the work of `assemble` that takes long, off the event loop."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Self

from fractal_kernel.agent.collector import Collector
from fractal_kernel.agent.shelf import Shelf
from fractal_kernel.image import png

if TYPE_CHECKING:
    from hashlib import _Hash
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fractal_api.tiling import TileGrid

RESIDENT: Final = 16 << 20
"""Bytes of slabs in memory; the others wait in files, since a single tile of 4096² may have 48 MiB, and pass twice."""


class Press:
    """Two threads: one takes tiles apart and inflates bands, the other one hashes and deflates them.

    Each does its work in the order in which it is asked for. More threads would spend their time on taking turns.
    """

    def __init__(self, grid: "TileGrid", folder: "Path", pixels: "_Hash") -> None:
        """`folder` is for what doesn't fit into memory; `pixels` is fed with those of all bands, from the top."""
        self._shelf = Shelf(resident=RESIDENT, folder=folder)
        self._collector = Collector(grid, self._shelf)
        self._pixels = pixels
        self._inflating = ThreadPoolExecutor(1, thread_name_prefix="image-inflate")
        self._deflating = ThreadPoolExecutor(1, thread_name_prefix="image-deflate")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inflating.submit(self._shelf.close)  # not before the thread has let go of it
        for pool in (self._inflating, self._deflating):
            pool.shutdown(wait=False)

    def print(self, blobs: Sequence[bytes], bands: range) -> "asyncio.Future[list[png.Band]]":
        """Take the next tiles, and then make bands of them and those before; LostTile when one can't be read back."""
        printed = Future[list[png.Band]]()
        self._inflating.submit(self._inflate, blobs, bands, printed)
        return asyncio.wrap_future(printed)

    def _inflate(self, blobs: Sequence[bytes], bands: range, printed: Future[list[png.Band]]) -> None:
        if not printed.set_running_or_notify_cancel():
            return
        try:
            self._collector.add(blobs)
            pixels = [self._collector.take(band) for band in bands]
            self._deflating.submit(self._deflate, pixels, printed)
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            printed.set_exception(error)

    def _deflate(self, pixels: "Sequence[NDArray[np.uint8]]", printed: Future[list[png.Band]]) -> None:
        try:
            printed.set_result([self._band(rgb) for rgb in pixels])
        except BaseException as error:  # noqa: BLE001 - as above
            printed.set_exception(error)

    def _band(self, rgb: "NDArray[np.uint8]") -> png.Band:
        self._pixels.update(rgb.data)
        return png.encode_band(rgb)

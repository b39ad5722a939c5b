"""Slabs of tiles, deflated and inflated faster than the standard library does it for `fractal_api.tiles`.

To begin a stream takes as long as to inflate a slab of 64 × 64 pixels. So a slab made here is one part of a stream
(`streams`): those of a band are inflated as one, in a single call, which other threads don't have to take turns with.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from isal import isal_zlib

from fractal_api.errors import TileError
from fractal_api.tiles import CHANNELS
from fractal_kernel.image import streams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fractal_api.tiling import Rect


def deflate(rgb: "NDArray[np.uint8]") -> bytes:
    """The slab of these pixels: (rows, width, 3), C-contiguous, top row first."""
    return streams.whole(streams.deflate(rgb), isal_zlib.adler32(rgb))


def inflate_all(sizes: Sequence[int], slabs: Sequence[bytes]) -> bytes | None:
    """The pixels of slabs, one after the other, so many bytes each; None when one has to be looked at alone.

    That is one which wasn't made by `deflate`, or holds other pixels: `inflate` tells.
    """
    parts = streams.parts_of(slabs)
    raw = None if parts is None else streams.inflate(parts, sum(sizes))
    if raw is None:
        return None
    adler = streams.adler32_combine(1, zip(map(streams.adler_of, slabs), sizes, strict=True))
    return raw if adler == isal_zlib.adler32(raw) else None


def inflate(rect: "Rect", slab: bytes) -> bytes:
    """The pixels of a slab that shows `rect`, (height, width, 3), top row first; TileError when it holds others."""
    size = rect.pixels * CHANNELS
    inflater = isal_zlib.decompressobj()
    try:
        # The bound keeps a forged slab from asking for more memory than its rectangle says.
        rgb: bytes = inflater.decompress(slab, size + 1)
    except isal_zlib.IsalError as error:  # type: ignore[misc]  # isal's stub says that the class is an instance
        raise TileError(f"the slab at {rect.x}, {rect.y} doesn't inflate: {error}") from error
    if len(rgb) != size or not inflater.eof or inflater.unused_data:
        raise TileError(f"the slab at {rect.x}, {rect.y} doesn't hold {size} bytes of pixels")
    return rgb

"""Deflate streams that can be put one after the other: the parts of a PNG file, and the slabs of tiles.

A part refers to nothing before it and ends on a byte boundary (a full flush), so that parts of any origin are one
stream, which an empty final block ends. Format: RFC 1950 (zlib), RFC 1951 (deflate).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from isal import isal_zlib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ZLIB_HEADER: Final = b"\x78\x01"  # window of 32 KiB, fastest; a multiple of 31 as RFC 1950 asks
FINAL_BLOCK: Final = b"\x03\x00"  # an empty, final block of fixed Huffman codes
FLUSHED: Final = b"\x00\x00\xff\xff"  # what a full flush ends with
LEVEL: Final = 1
ADLER_MODULUS: Final = 65_521

_RAW: Final = -15
_ENDING_BYTES: Final = len(FINAL_BLOCK) + 4  # and the Adler-32
_SEAM: Final = FLUSHED + FINAL_BLOCK


def deflate(raw: "NDArray[np.uint8]") -> bytes:
    """A part: these bytes (C-contiguous, any shape), deflated alone and without an end."""
    deflater = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _RAW)
    return bytes(deflater.compress(raw) + deflater.flush(isal_zlib.Z_FULL_FLUSH))


def whole(part: bytes, adler: int) -> bytes:
    """The zlib stream of a single part, whose bytes have this Adler-32."""
    return b"".join((ZLIB_HEADER, part, FINAL_BLOCK, adler.to_bytes(4, "big")))


def parts_of(streams: Sequence[bytes]) -> list[bytes] | None:
    """The parts that zlib streams are `whole` of; None when one of them doesn't end like one.

    One that only happens to end so gives itself away: with its own end before the last byte, or none at all.
    """
    if any(stream[-_ENDING_BYTES - len(FLUSHED) : -4] != _SEAM for stream in streams):
        return None
    return [stream[len(ZLIB_HEADER) : -_ENDING_BYTES] for stream in streams]


def adler_of(stream: bytes) -> int:
    """The Adler-32 that a zlib stream gives of its bytes."""
    return int.from_bytes(stream[-4:], "big")


def inflate(parts: Sequence[bytes], size: int) -> bytes | None:
    """The bytes of parts in their order, inflated in one call; None unless they are parts, and of `size` bytes."""
    inflater = isal_zlib.decompressobj(_RAW)
    try:
        # The bound keeps forged parts from asking for more memory than they should.
        raw: bytes = inflater.decompress(b"".join((*parts, FINAL_BLOCK)), size + 1)
    except isal_zlib.IsalError:  # type: ignore[misc]  # isal's stub says that the class is an instance
        return None
    return raw if len(raw) == size and inflater.eof and not inflater.unused_data else None


def adler32_combine(first: int, others: Iterable[tuple[int, int]]) -> int:
    """The Adler-32 of byte strings put together, from that of the first, and that and the length of each of the others.

    Source: zlib's adler32_combine; with s1 and s2 the two sums of RFC 1950, appended bytes add the first string's
    (s1 − 1) once to s1 and for each byte to s2.
    """
    low, high = first & 0xFFFF, first >> 16
    for adler, length in others:
        high += (adler >> 16) + length * (low - 1)
        low += (adler & 0xFFFF) - 1
    return high % ADLER_MODULUS << 16 | low % ADLER_MODULUS

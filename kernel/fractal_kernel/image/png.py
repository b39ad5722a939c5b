"""PNG by bands: each band of 64 rows is filtered and deflated alone, by whoever has it, and joins the others as bytes.

A band refers to nothing above itself and ends on a byte boundary (a full flush), so the bands of a picture, put one
after the other, are one deflate stream. Only the Adler-32 runs over all of them, and that one can be combined. Pure
functions; nothing here reads or writes a file. The format: W3C PNG, RFC 1950 (zlib), RFC 1951 (deflate).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from isal import isal_zlib

from fractal_kernel.image.streams import FINAL_BLOCK, ZLIB_HEADER, adler32_combine, deflate

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
RGB8: Final = (8, 2, 0, 0, 0)  # bit depth, colour type RGB, deflate, adaptive filters, not interlaced
PERCEPTUAL: Final = b"\0"  # the sRGB chunk's rendering intent
SUB: Final = 1
UP: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A deflated band: its bytes, and the Adler-32 and the number of the bytes that they inflate to."""

    data: bytes
    adler: int
    raw_bytes: int


def head(width: int, height: int, texts: Mapping[str, str]) -> bytes:
    """All that comes before the first band: signature, size, colour space, and `texts` by keyword.

    A keyword is 1–79 Latin-1 characters; a text is any Unicode without NUL.
    """
    chunks = [_chunk(b"IHDR", struct.pack(">II5B", width, height, *RGB8)), _chunk(b"sRGB", PERCEPTUAL)]
    chunks += [_text(keyword, text) for keyword, text in texts.items()]
    return SIGNATURE + b"".join(chunks)


def encode_band(rgb: "NDArray[np.uint8]") -> Band:
    """A band of a picture, ready to be written; `rgb` is (rows, width, 3), top row first."""
    raw = _filtered(rgb).reshape(-1)
    return Band(data=deflate(raw), adler=isal_zlib.adler32(raw), raw_bytes=raw.size)


class Assembler:
    """Turns the bands of a picture, from the top, into the bytes of its PNG file.

    Write `head(…)`, then `band(…)` of each band in order, then `tail()`.
    """

    __slots__ = ("_adler", "_opening")

    def __init__(self) -> None:
        self._adler = 1
        self._opening = ZLIB_HEADER

    def band(self, band: Band) -> bytes:
        """The chunk of the next band."""
        data = self._opening + band.data
        self._opening = b""
        self._adler = adler32_combine(self._adler, [(band.adler, band.raw_bytes)])
        return _chunk(b"IDAT", data)

    def tail(self) -> bytes:
        """All that comes after the last band: the end of the stream, its checksum, the end of the file."""
        end = self._opening + FINAL_BLOCK + self._adler.to_bytes(4, "big")
        return _chunk(b"IDAT", end) + _chunk(b"IEND", b"")


def _filtered(rgb: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """The rows as PNG's filters leave them, each after its filter's number; (rows, 1 + 3·width).

    The band's first row by Sub, since Up would need the band above; the others by Up.
    """
    rows, width, _ = rgb.shape
    pixels = rgb.reshape(rows, 3 * width)
    filtered = np.empty((rows, 1 + 3 * width), dtype=np.uint8)
    filtered[0, 0] = SUB
    filtered[1:, 0] = UP
    filtered[0, 1:4] = pixels[0, :3]
    np.subtract(pixels[0, 3:], pixels[0, :-3], out=filtered[0, 4:])
    np.subtract(pixels[1:], pixels[:-1], out=filtered[1:, 1:])
    return filtered


def _text(keyword: str, text: str) -> bytes:
    """An iTXt chunk: uncompressed UTF-8, without language and translation."""
    return _chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk: length, kind, data, and the CRC-32 of the last two."""
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join((len(data).to_bytes(4, "big"), kind, data, checksum.to_bytes(4, "big")))

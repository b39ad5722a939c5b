"""The PNG writer against two readers that are not ours: Pillow, and zlib by hand."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fractal_api.tiling import BAND_ROWS, band_count, band_rows
from fractal_kernel.image import png
from fractal_kernel.image.streams import adler32_combine

Pixels = NDArray[np.uint8]

SIZES = [(1, 1), (1, 63), (1, 64), (3, 65), (7, 128), (5, 129), (65_536, 1), (4_096, 70), (1, 65_536)]


def noise(width: int, height: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(width: int, height: int) -> Pixels:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x // 7, y // 3, (x + y) // 5], axis=-1).astype(np.uint8)


def png_file(rgb: Pixels, texts: dict[str, str] | None = None) -> bytes:
    height, width, _ = rgb.shape
    assembler = png.Assembler()
    parts = [png.head(width, height, texts or {})]
    for band in range(band_count(height)):
        rows = band_rows(band, height)
        parts.append(assembler.band(png.encode_band(rgb[rows.start : rows.stop])))
    return b"".join([*parts, assembler.tail()])


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every chunk of a PNG file, its CRC checked."""
    at = len(png.SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        yield kind, body
        at += length + 12


def zlib_stream(data: bytes) -> bytes:
    return b"".join(body for kind, body in chunks(data) if kind == b"IDAT")


@pytest.mark.parametrize(("width", "height"), SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
def test_pillow_reads_back_the_same_pixels(width: int, height: int) -> None:
    rgb = noise(width, height)
    with Image.open(io.BytesIO(png_file(rgb))) as image:
        assert (image.mode, image.size) == ("RGB", (width, height))
        assert np.array_equal(np.asarray(image), rgb)


@settings(deadline=None, max_examples=60)
@given(width=st.integers(1, 200), height=st.integers(1, 200), seed=st.integers(0, 2**32 - 1), plain=st.booleans())
def test_any_picture_survives_the_way_through_a_file(width: int, height: int, seed: int, plain: bool) -> None:
    rgb = smooth(width, height) if plain else noise(width, height, seed)
    with Image.open(io.BytesIO(png_file(rgb))) as image:
        image.load()
        assert np.array_equal(np.asarray(image), rgb)


def test_zlib_accepts_the_checksum_and_nothing_follows_the_stream() -> None:
    rgb = noise(61, 200)
    inflate = zlib.decompressobj()
    raw = inflate.decompress(zlib_stream(png_file(rgb)))
    assert inflate.eof
    assert inflate.unused_data == b""
    assert len(raw) == 200 * (1 + 3 * 61)


def test_a_wrong_checksum_or_a_missing_end_is_noticed() -> None:
    stream = zlib_stream(png_file(noise(20, 100)))
    with pytest.raises(zlib.error, match="incorrect data check"):
        zlib.decompress(stream[:-1] + bytes([stream[-1] ^ 1]))
    with pytest.raises(zlib.error, match="incomplete or truncated"):
        zlib.decompress(stream[:-6])


def test_each_band_inflates_without_the_bands_before_it() -> None:
    rgb = smooth(50, 3 * BAND_ROWS)
    for band in range(3):
        rows = rgb[band * BAND_ROWS : (band + 1) * BAND_ROWS]
        encoded = png.encode_band(rows)
        raw = zlib.decompressobj(-15).decompress(encoded.data)
        assert len(raw) == encoded.raw_bytes
        assert zlib.adler32(raw) == encoded.adler
        assert np.array_equal(first_row(raw, 50), rows[0])


def first_row(raw: bytes, width: int) -> Pixels:
    """A band's first row, undone by the definition of filter 1 (Sub)."""
    assert raw[0] == png.SUB
    deltas = np.frombuffer(raw, np.uint8, 3 * width, offset=1).reshape(width, 3)
    return np.cumsum(deltas, axis=0, dtype=np.uint8)


def test_a_file_has_one_idat_a_band_and_one_for_the_end() -> None:
    kinds = [kind for kind, _ in chunks(png_file(noise(3, 130), {"Software": "x"}))]
    assert kinds == [b"IHDR", b"sRGB", b"iTXt", b"IDAT", b"IDAT", b"IDAT", b"IDAT", b"IEND"]


def test_rows_that_are_a_view_of_a_wider_picture_encode_like_a_copy() -> None:
    wide = noise(90, 64)
    assert png.encode_band(wide[:, 10:40]) == png.encode_band(wide[:, 10:40].copy())


def test_a_picture_carries_its_texts() -> None:
    texts = {"Software": "ClusteredFractals", "FractalJob": '{"größe": "−1e50"}'}
    with Image.open(io.BytesIO(png_file(noise(4, 4), texts))) as image:
        assert image.info["srgb"] == 0
        assert {key: image.info[key] for key in texts} == texts


@given(first=st.binary(max_size=300), others=st.lists(st.binary(max_size=300), max_size=5))
def test_checksums_combine_to_that_of_the_whole(first: bytes, others: list[bytes]) -> None:
    combined = adler32_combine(zlib.adler32(first), [(zlib.adler32(other), len(other)) for other in others])
    assert combined == zlib.adler32(b"".join([first, *others]))


def test_checksums_of_large_bands_combine_without_overflow() -> None:
    band = b"\xff" * 12_583_000
    combined = adler32_combine(zlib.adler32(band), [(zlib.adler32(band), len(band))])
    assert combined == zlib.adler32(band + band)

import struct
import zlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fractal_api import PICTURE_VERSION
from fractal_api.errors import PermanentError, TileError
from fractal_api.tiles import (
    DecodedTile,
    band_spans,
    decode_tile,
    encode_tile,
    inflate_slab,
    join_tile,
    only_slab,
    read_header,
    slabs_of,
)
from fractal_api.tiling import BAND_ROWS, Rect


@st.composite
def rects(draw: st.DrawFn) -> Rect:
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 150))
    return Rect(draw(st.integers(0, 65_536 - width)), draw(st.integers(0, 65_536 - height)), width, height)


@st.composite
def tiles(draw: st.DrawFn) -> tuple[Rect, bytes]:
    rect = draw(rects())
    unit = draw(st.binary(min_size=1, max_size=64))
    return rect, (unit * (rect.pixels * 3 // len(unit) + 1))[: rect.pixels * 3]


SMALL = Rect(640, 100, 3, 90)
PIXELS = bytes(range(256)) * 3 + bytes(42)
BLOB = encode_tile(SMALL, PIXELS, index=7)


@given(tile=tiles(), index=st.integers(0, 16_383))
def test_a_tile_comes_back_as_it_went(tile: tuple[Rect, bytes], index: int) -> None:
    rect, rgb = tile
    decoded = decode_tile(encode_tile(rect, rgb, index=index))
    assert isinstance(decoded, DecodedTile)
    assert (decoded.rgb, decoded.header.rect, decoded.header.index) == (rgb, rect, index)
    assert decoded.header.picture_version == PICTURE_VERSION


@given(tile=tiles())
def test_each_slab_holds_the_rows_of_one_band_and_inflates_alone(tile: tuple[Rect, bytes]) -> None:
    rect, rgb = tile
    row = rect.y
    for slab in slabs_of(rect, encode_tile(rect, rgb, index=0), index=0):
        assert slab.first_row == row
        assert slab.first_row // BAND_ROWS == (slab.first_row + slab.rows - 1) // BAND_ROWS == slab.band
        start = (row - rect.y) * rect.width * 3
        assert inflate_slab(slab, rect.width) == rgb[start : start + slab.rows * rect.width * 3]
        row += slab.rows
    assert row == rect.y + rect.height


@pytest.mark.parametrize(
    ("rect", "spans"),
    [
        pytest.param(Rect(0, 0, 1, 64), [(0, 0, 64)], id="exactly one band"),
        pytest.param(Rect(0, 63, 1, 2), [(0, 63, 1), (1, 64, 1)], id="two rows across an edge"),
        pytest.param(Rect(0, 100, 1, 90), [(1, 100, 28), (2, 128, 62)], id="aligned to nothing"),
        pytest.param(Rect(0, 128, 1, 128), [(2, 128, 64), (3, 192, 64)], id="two whole bands"),
    ],
)
def test_a_rectangle_is_cut_where_bands_end(rect: Rect, spans: list[tuple[int, int, int]]) -> None:
    assert list(band_spans(rect)) == spans


def test_any_contiguous_buffer_is_a_tile_s_pixels() -> None:
    assert encode_tile(SMALL, bytearray(PIXELS), index=7) == BLOB
    assert encode_tile(SMALL, memoryview(PIXELS).cast("B", (90, 3, 3)), index=7) == BLOB
    assert decode_tile(bytearray(BLOB)).rgb == decode_tile(memoryview(BLOB)).rgb == PIXELS


def test_pixels_of_another_size_are_the_caller_s_mistake() -> None:
    with pytest.raises(ValueError, match="needs 810 bytes, not 809"):
        encode_tile(SMALL, PIXELS[:-1], index=0)


def test_a_tile_can_be_put_together_from_its_slabs() -> None:
    deflated = [bytes(slab.data) for slab in slabs_of(SMALL, BLOB, index=7)]
    assert join_tile(SMALL, deflated, index=7) == BLOB
    with pytest.raises(ValueError, match="doesn't have 1 slabs"):
        join_tile(SMALL, deflated[:1], index=7)


def test_equal_tiles_give_equal_blobs() -> None:
    assert encode_tile(SMALL, PIXELS, index=7) == BLOB


@pytest.mark.parametrize("position", range(len(BLOB)))
def test_a_damaged_byte_anywhere_is_noticed(position: int) -> None:
    for bits in (0x01, 0x80, 0xFF):
        damaged = bytearray(BLOB)
        damaged[position] ^= bits
        with pytest.raises(TileError):
            decode_tile(damaged)


@given(position=st.integers(0, len(BLOB) - 1), garbage=st.binary(min_size=1, max_size=40))
def test_overwritten_bytes_are_noticed(position: int, garbage: bytes) -> None:
    damaged = (BLOB[:position] + garbage + BLOB[position + len(garbage) :])[: len(BLOB)]
    assume(damaged != BLOB)
    with pytest.raises(TileError):
        decode_tile(damaged)


@pytest.mark.parametrize("length", range(len(BLOB)))
def test_a_tile_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(TileError):
        decode_tile(BLOB[:length])


@given(tail=st.binary(min_size=1, max_size=100))
def test_bytes_behind_a_tile_are_noticed(tail: bytes) -> None:
    with pytest.raises(TileError, match="came as"):
        decode_tile(BLOB + tail)


@given(blob=st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda tail: BLOB[:5] + tail)))
def test_foreign_bytes_are_no_tile(blob: bytes) -> None:
    with pytest.raises(TileError):
        decode_tile(blob)


def sealed(head: bytes, table: bytes, body: bytes) -> bytes:
    return head + table + struct.pack(">I", zlib.crc32(head + table)) + body


SQUARE = Rect(0, 0, 2, 2)


def forged(slab: bytes, rect: Rect = SQUARE, **changes: int) -> bytes:
    fields = {"format": 1, "version": PICTURE_VERSION, "kind": 1, "reserved": 0, "slabs": 1} | changes
    head = struct.pack(
        ">2sBBBBIIIIIH",
        b"FT",
        *(fields[name] for name in ("format", "version", "kind", "reserved")),
        0,
        *rect,
        fields["slabs"],
    )
    return sealed(head, struct.pack(">II", len(slab), zlib.crc32(slab)) * fields["slabs"], slab)


def test_a_forged_tile_with_right_check_sums_is_read_since_they_are_no_signature() -> None:
    assert decode_tile(forged(zlib.compress(bytes(12)))).rgb == bytes(12)


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(forged(zlib.compress(bytes(11))), id="too few pixels"),
        pytest.param(forged(zlib.compress(bytes(13))), id="too many pixels"),
        pytest.param(forged(zlib.compress(bytes(10_000_000))), id="a deflate bomb"),
        pytest.param(forged(zlib.compress(bytes(12)) + b"x"), id="bytes behind the deflate stream"),
        pytest.param(forged(zlib.compress(bytes(12))[:-1]), id="a deflate stream cut short"),
        pytest.param(forged(b"no deflate stream"), id="no deflate stream"),
        pytest.param(forged(b""), id="an empty slab"),
        pytest.param(forged(zlib.compress(bytes(12)), format=2), id="another format"),
        pytest.param(forged(zlib.compress(bytes(12)), version=PICTURE_VERSION + 1), id="another picture version"),
        pytest.param(forged(zlib.compress(bytes(12)), kind=9), id="another kind"),
        pytest.param(forged(zlib.compress(bytes(12)), reserved=1), id="reserved byte in use"),
        pytest.param(forged(zlib.compress(bytes(12)), slabs=2), id="more slabs than bands"),
        pytest.param(forged(zlib.compress(b""), Rect(0, 0, 0, 2)), id="no width"),
        pytest.param(forged(zlib.compress(b""), Rect(0, 0, 2, 0), slabs=0), id="no height"),
        pytest.param(forged(zlib.compress(bytes(12)), Rect(65_535, 0, 2, 2)), id="beyond the largest picture"),
        pytest.param(forged(zlib.compress(bytes(12)), Rect(0, 2**32 - 1, 2, 2)), id="absurdly low"),
        pytest.param(forged(zlib.compress(bytes(12)), Rect(0, 0, 1, 2**32 - 1)), id="absurdly high"),
    ],
)
def test_a_tile_that_contradicts_itself_is_refused(blob: bytes) -> None:
    with pytest.raises(TileError):
        decode_tile(blob)


@given(tile=tiles(), index=st.integers(0, 16_383))
def test_the_only_slab_of_a_tile_is_found_where_it_has_no_other(tile: tuple[Rect, bytes], index: int) -> None:
    rect, rgb = tile
    blob = encode_tile(rect, rgb, index=index)
    found, expected = only_slab(rect, blob, index=index), slabs_of(rect, blob, index=index)
    assert found == (bytes(expected[0].data) if len(expected) == 1 else None)
    assert only_slab(rect, blob, index=index + 1) is None
    assert only_slab(rect._replace(x=rect.x + 1), blob, index=index) is None


ONE = Rect(640, 100, 3, 20)
ONE_BLOB = encode_tile(ONE, bytes(range(180)), index=7)


def test_a_tile_of_two_slabs_has_no_only_one_even_if_its_table_says_so() -> None:
    two = Rect(0, 32, 2, 64)
    assert only_slab(two, forged(zlib.compress(bytes(384)), two), index=0) is None


@given(at=st.integers(0, len(ONE_BLOB) - 1), bit=st.integers(0, 7))
def test_the_only_slab_of_a_damaged_tile_is_not_found(at: int, bit: int) -> None:
    assert only_slab(ONE, ONE_BLOB, index=7) is not None
    damaged = bytearray(ONE_BLOB)
    damaged[at] ^= 1 << bit
    assert only_slab(ONE, bytes(damaged), index=7) is None
    assert only_slab(ONE, ONE_BLOB[:at], index=7) is None


@pytest.mark.parametrize(
    ("rect", "index", "message"),
    [
        pytest.param(SMALL, 8, r"tile 7 at \(640, 100, 3, 90\) instead of tile 8", id="another index"),
        pytest.param(SMALL._replace(x=0), 7, r"instead of tile 7 at \(0, 100, 3, 90\)", id="another place"),
        pytest.param(SMALL._replace(height=5), 7, "instead of tile 7", id="another height"),
    ],
)
def test_a_tile_that_is_another_one_than_expected_is_named(rect: Rect, index: int, message: str) -> None:
    with pytest.raises(TileError, match=message):
        slabs_of(rect, BLOB, index=index)


@given(at=st.integers(0, len(BLOB) - 1), bit=st.integers(0, 7), cut=st.integers(0, len(BLOB) - 1))
def test_an_expected_tile_is_refused_when_its_table_is_damaged_or_something_is_missing(
    at: int, bit: int, cut: int
) -> None:
    damaged = bytearray(BLOB)
    damaged[at] ^= 1 << bit
    with pytest.raises(TileError):
        [inflate_slab(slab, SMALL.width) for slab in slabs_of(SMALL, damaged, index=7)]
    with pytest.raises(TileError):
        slabs_of(SMALL, BLOB[:cut], index=7)
    with pytest.raises(TileError, match="came as"):
        slabs_of(SMALL, BLOB + b"x", index=7)


def test_a_tile_of_another_version_says_which_one_is_read_here() -> None:
    with pytest.raises(TileError, match=f"picture version 99 .* reads format 1, picture version {PICTURE_VERSION}"):
        read_header(forged(zlib.compress(bytes(12)), version=99))


def test_a_damaged_tile_is_not_worth_a_retry() -> None:
    assert issubclass(TileError, PermanentError)

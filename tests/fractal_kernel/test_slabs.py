"""Slabs, deflated alone and inflated together."""

import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fractal_api.errors import TileError
from fractal_api.tiling import Rect
from fractal_kernel.image import streams
from fractal_kernel.image.slabs import deflate, inflate, inflate_all

RECT = Rect(8, 64, 6, 5)
BYTES = RECT.pixels * 3


@st.composite
def pixels(draw: st.DrawFn) -> NDArray[np.uint8]:
    shape = draw(st.integers(1, 20)), draw(st.integers(1, 20)), 3
    colours = draw(st.integers(1, 256))
    chance = np.random.default_rng(draw(st.integers(0, 1000)))
    return chance.integers(0, colours, shape, dtype=np.uint8)


def rect_of(rgb: NDArray[np.uint8]) -> Rect:
    return Rect(0, 0, rgb.shape[1], rgb.shape[0])


def together(slabs: Sequence[bytes], rects: Sequence[Rect]) -> bytes | None:
    return inflate_all([rect.pixels * 3 for rect in rects], slabs)


@given(rgb=pixels())
def test_a_slab_is_a_zlib_stream_that_anybody_can_read(rgb: NDArray[np.uint8]) -> None:
    slab = deflate(rgb)
    assert zlib.decompress(slab) == inflate(rect_of(rgb), slab) == rgb.tobytes()


@given(parts=st.lists(pixels(), min_size=1, max_size=8))
def test_slabs_are_inflated_together_in_their_order(parts: list[NDArray[np.uint8]]) -> None:
    assert together([deflate(rgb) for rgb in parts], [rect_of(rgb) for rgb in parts]) == b"".join(
        rgb.tobytes() for rgb in parts
    )


OURS = deflate(np.arange(BYTES, dtype=np.uint8).reshape(RECT.height, RECT.width, 3))
SEAM = streams.FLUSHED + streams.FINAL_BLOCK


def of_size(size: int) -> bytes:
    return deflate(np.zeros(size, dtype=np.uint8))


@pytest.mark.parametrize(
    "slab",
    [
        pytest.param(zlib.compress(bytes(BYTES)), id="made by somebody else"),
        pytest.param(zlib.compress(bytes(BYTES - len(SEAM)) + SEAM, 0), id="that only looks like one of ours"),
        pytest.param(of_size(BYTES - 1), id="too short"),
        pytest.param(of_size(BYTES + 1), id="too long"),
        pytest.param(of_size(50_000_000), id="a deflate bomb"),
        pytest.param(OURS[:-1] + bytes([OURS[-1] ^ 1]), id="with another check sum"),
        pytest.param(OURS[:-3], id="cut short"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_slab_that_is_no_part_is_not_inflated_together_with_others(slab: bytes, place: int) -> None:
    slabs = [OURS, OURS, OURS]
    slabs[place] = slab
    assert together(slabs, [RECT] * 3) is None


def test_pixels_that_move_from_one_slab_to_the_next_are_noticed() -> None:
    both = np.arange(2 * BYTES, dtype=np.uint8)
    assert together([deflate(both[: BYTES - 1]), deflate(both[BYTES - 1 :])], [RECT] * 2) is None


@pytest.mark.parametrize(
    ("slab", "message"),
    [
        pytest.param(b"junk", "doesn't inflate", id="no zlib stream"),
        pytest.param(of_size(BYTES + 1), f"doesn't hold {BYTES} bytes", id="too long"),
        pytest.param(OURS + b"x", f"doesn't hold {BYTES} bytes", id="with something behind"),
    ],
)
def test_a_slab_that_does_not_hold_its_pixels_says_where_it_lies(slab: bytes, message: str) -> None:
    with pytest.raises(TileError, match=f"the slab at 8, 64 {message}"):
        inflate(RECT, slab)

"""A picture's bands, drawn by the threads of one process and handed over from the top.

A few bands are in work at once: as many as fit into a fixed memory, so that a picture of any size can be drawn. The
kernel works without the GIL, and so do deflating and hashing; Python's part is to hand out rectangles.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from fractal_api.tiling import Rect, band_count, band_rows
from fractal_kernel.escape.control import Control
from fractal_kernel.image import png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fractal_kernel.definition import Frame
    from fractal_kernel.work import Work

MEMORY: Final = 64 << 20
"""Bytes that the bands in work may take."""

PIECE_WIDTH: Final = 128
"""Pixels of a band that one render call draws: small enough to share out, large enough to call for."""

TICK_S: Final = 0.1
"""The watcher is called at least this often."""


class Drawable(Protocol):
    """What is drawn: `fractal_kernel.picture.Picture`, or a stand-in."""

    def render(self, rects: "Sequence[Rect]", control: Control) -> "list[NDArray[np.uint8]]":
        """The pixels of each rectangle, (height, width, 3), top row first."""

    def counts(self, rect: Rect, control: Control) -> "NDArray[np.int64]":
        """The escape counts of a rectangle, (height, width), top row first, −1 inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBand:
    """A band's pixels (rows, width, 3), the same deflated, and its counts (rows, width) if they were asked for."""

    first_row: int
    rgb: "NDArray[np.uint8]"
    encoded: png.Band
    counts: "NDArray[np.int64] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What to draw and how: `frame` in its size, by so many `threads`, with or without `counts`."""

    picture: Drawable
    frame: "Frame"
    control: Control
    work: "Work"
    threads: int
    counts: bool = False

    @property
    def bands_at_once(self) -> int:
        """Bands in work: two at least, so that one can be written while the next is drawn."""
        row_bytes = self.frame.width * (3 * 3 + 8 * self.counts)  # pixels, filtered, deflated; counts
        fitting = MEMORY // (row_bytes * len(band_rows(0, self.frame.height)))
        return int(min(max(fitting, 2), 2 * self.threads + 2))


@contextmanager
def drawn_bands(drawing: Drawing, tick: Callable[[], None]) -> "Iterator[Iterator[DrawnBand]]":
    """The bands from the top, while threads draw those below; `tick` is called while waiting for one.

    Leaving the context early stops every thread within milliseconds. What a thread raises is raised here.
    """
    pool = ThreadPoolExecutor(drawing.threads, thread_name_prefix="draw")
    try:
        yield _in_order(drawing, pool, tick)
    except BaseException:
        drawing.control.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(drawing: Drawing, pool: ThreadPoolExecutor, tick: Callable[[], None]) -> "Iterator[DrawnBand]":
    waiting: deque[_BandInWork] = deque()
    for number in range(band_count(drawing.frame.height)):
        if len(waiting) == drawing.bands_at_once:
            yield waiting.popleft().finished(tick)
        waiting.append(_BandInWork(drawing, number, pool))
    while waiting:
        yield waiting.popleft().finished(tick)


class _BandInWork:
    """A band whose pieces are being drawn; whoever draws the last one deflates it."""

    def __init__(self, drawing: Drawing, number: int, pool: ThreadPoolExecutor) -> None:
        self._drawing = drawing
        self._rows = band_rows(number, drawing.frame.height)
        width = drawing.frame.width
        self._rgb = np.empty((len(self._rows), width, 3), dtype=np.uint8)
        self._counts = np.empty((len(self._rows), width), dtype=np.int64) if drawing.counts else None
        self._encoded: png.Band | None = None
        self._lock = Lock()
        pieces = [self._piece(x) for x in range(0, width, PIECE_WIDTH)]
        self._left = len(pieces)
        self._futures: list[Future[None]] = [pool.submit(self._draw, piece) for piece in pieces]

    def finished(self, tick: Callable[[], None]) -> DrawnBand:
        """The band, as soon as all of it is drawn and deflated."""
        waiting = set(self._futures)
        while waiting:
            done, waiting = wait(waiting, timeout=TICK_S, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            tick()
        if self._encoded is None:
            raise AssertionError("the last piece deflates the band")
        return DrawnBand(first_row=self._rows.start, rgb=self._rgb, encoded=self._encoded, counts=self._counts)

    def _piece(self, x: int) -> Rect:
        return Rect(x, self._rows.start, min(PIECE_WIDTH, self._drawing.frame.width - x), len(self._rows))

    def _draw(self, piece: Rect) -> None:
        drawing = self._drawing
        drawing.work.begin(piece)
        columns = slice(piece.x, piece.x + piece.width)
        [self._rgb[:, columns]] = drawing.picture.render([piece], drawing.control)
        if self._counts is not None:
            self._counts[:, columns] = drawing.picture.counts(piece, drawing.control)
        drawing.work.finish(piece)
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self._encoded = png.encode_band(self._rgb)

"""Rendering in this one process: a picture's bands, drawn by threads, streamed into a PNG file as they are done.

Memory does not grow with the picture's height. Interrupting the calling thread stops the kernel within milliseconds.
"""

import dataclasses
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from fractal_api.tiling import Rect
from fractal_kernel import coarse
from fractal_kernel.bands import TICK_S, Drawing, DrawnBand, drawn_bands
from fractal_kernel.escape.control import Control
from fractal_kernel.image import npy, png
from fractal_kernel.picture import Picture
from fractal_kernel.work import Progress, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fractal_console.output import Output
    from fractal_console.thumbnail import Thumbnail
    from fractal_kernel.coarse import Survey
    from fractal_kernel.definition import Definition

Watch = Callable[[Progress], None]
"""Told now and then, from the rendering's calling thread, how far it is."""

COUNT: Final = np.dtype("<i8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where a picture goes: the PNG file, and if wanted its escape counts (.npy) and a small copy."""

    png: "Output"
    counts: "Output | None" = None
    thumbnail: "Thumbnail | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A picture that is done: hashes (hex) of its pixels and of its file, and the iterations that it was allowed."""

    pixels_sha256: str
    sha256: str
    bytes: int
    max_iterations: int
    seconds: float


class Renderer(Protocol):
    """One way to have a picture rendered: in this process, or by a world of ranks."""

    def run(self, sinks: Sinks, watch: Watch) -> Rendered:
        """Render the picture into the sinks; KeyboardInterrupt and errors leave nothing running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRenderer:
    """Renders a picture by `threads` of this process; `texts` go into the PNG file's head.

    `survey` is its coarse pass, if somebody has made it already.
    """

    definition: "Definition"
    texts: "Mapping[str, str]"
    threads: int
    survey: "Survey | None" = None

    def run(self, sinks: Sinks, watch: Watch) -> Rendered:
        """Render the picture into the sinks."""
        started = time.monotonic()
        control = Control()
        survey = self.survey or _surveyed(self.definition, control, watch)
        definition = _resolved(self.definition, survey)
        work = Work(cost=survey.cost, total=_whole(definition, survey), control=control, started=time.monotonic())
        drawing = Drawing(
            picture=Picture(definition),
            frame=definition.frame,
            control=control,
            work=work,
            threads=self.threads,
            counts=sinks.counts is not None,
        )
        stream = _Stream(sinks, definition, self.texts)
        with drawn_bands(drawing, tick=lambda: watch(work.progress(time.monotonic()))) as bands:
            for band in bands:
                stream.add(band)
        return stream.finished(seconds=time.monotonic() - started)


class _Stream:
    """Writes drawn bands into the sinks, from the top, and hashes what it wrote."""

    def __init__(self, sinks: Sinks, definition: "Definition", texts: "Mapping[str, str]") -> None:
        frame = definition.frame
        self._sinks = sinks
        self._max_iterations = definition.max_iterations or 0
        self._pixels = hashlib.sha256()
        self._file = hashlib.sha256()
        self._bytes = 0
        self._assembler = png.Assembler()
        self._write(png.head(frame.width, frame.height, texts))
        if sinks.counts is not None:
            sinks.counts.write(npy.head((frame.height, frame.width), COUNT))

    def add(self, band: DrawnBand) -> None:
        """Take the next band."""
        self._pixels.update(band.rgb.data)
        self._write(self._assembler.band(band.encoded))
        if self._sinks.counts is not None and band.counts is not None:
            self._sinks.counts.write(band.counts.astype(COUNT, copy=False).data)
        if self._sinks.thumbnail is not None:
            self._sinks.thumbnail.add(band.first_row, band.rgb)

    def finished(self, seconds: float) -> Rendered:
        """End the file; what was written."""
        self._write(self._assembler.tail())
        return Rendered(
            pixels_sha256=self._pixels.hexdigest(),
            sha256=self._file.hexdigest(),
            bytes=self._bytes,
            max_iterations=self._max_iterations,
            seconds=seconds,
        )

    def _write(self, data: bytes) -> None:
        self._file.update(data)
        self._bytes += len(data)
        self._sinks.png.write(data)


def _surveyed(definition: "Definition", control: Control, watch: Watch) -> "Survey":
    """The coarse pass, off the calling thread: that one must see an interruption at once."""
    with ThreadPoolExecutor(1, thread_name_prefix="survey") as pool:
        future = pool.submit(coarse.survey, definition, control)
        started = time.monotonic()
        try:
            while not wait([future], timeout=TICK_S).done:
                watch(Progress.surveying(control.iterations, time.monotonic() - started))
        except BaseException:
            control.stop()
            raise
        return future.result()


def _resolved(definition: "Definition", survey: "Survey") -> "Definition":
    """The definition with the iterations that the survey decided."""
    return dataclasses.replace(definition, max_iterations=survey.max_iterations)


def _whole(definition: "Definition", survey: "Survey") -> float:
    """The estimated iterations of the whole picture."""
    return survey.cost(Rect(0, 0, definition.frame.width, definition.frame.height))

"""Rendering in one process: the same picture however it is cut up, in a memory that does not grow, stopped at once."""

import dataclasses
import hashlib
import io
import threading
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fractal_api.tiling import Rect
from fractal_console.thumbnail import Thumbnail
from fractal_kernel.bands import Drawing, drawn_bands
from fractal_kernel.definition import Definition, Frame, GridDefinition, LegacyDefinition
from fractal_kernel.escape.control import Control, Stopped
from fractal_kernel.picture import Picture
from fractal_kernel.render import LocalRenderer, Rendered, Sinks
from fractal_kernel.work import Progress, Work

SEAHORSE: Final = GridDefinition(
    frame=Frame(width=300, height=150, side=1, block_size=64),
    julia=False,
    julia_re=0.0,
    julia_im=0.0,
    center_re=-0.7436,
    center_im=0.1318,
    zoom=100.0,
    matrix=None,
    max_iterations=500,
    palette="ember",
    colors=(),
    inside="#000000",
    offset=0.0,
    scale=1.0,
)
LEGACY: Final = LegacyDefinition(
    frame=Frame(width=140, height=70, side=2, block_size=32),
    julia=True,
    julia_re=-0.225,
    julia_im=-0.7,
    center_re=0.0,
    center_im=0.0,
    zoom=0.5,
    max_iterations=128,
    color_mode=2,
)


class Memory:
    """An output that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes | memoryview) -> None:
        self.data += bytes(data)


def ignore(_: Progress) -> None:
    """A watcher that doesn't look."""


def rendered(definition: Definition, threads: int = 2) -> tuple[Rendered, bytes]:
    png = Memory()
    result = LocalRenderer(definition=definition, texts={}, threads=threads).run(Sinks(png=png), ignore)
    return result, png.data


def at_once(definition: Definition) -> NDArray[np.uint8]:
    frame = definition.frame
    [rgb] = Picture(definition).render([Rect(0, 0, frame.width, frame.height)], Control())
    return rgb


@pytest.mark.parametrize("definition", [SEAHORSE, LEGACY], ids=["grid", "legacy"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_file_holds_the_picture_whatever_the_number_of_threads(definition: Definition, threads: int) -> None:
    result, data = rendered(definition, threads)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), at_once(definition))
    assert result.pixels_sha256 == hashlib.sha256(at_once(definition).tobytes()).hexdigest()
    assert result.sha256 == hashlib.sha256(data).hexdigest()
    assert result.bytes == len(data)


def test_automatic_iterations_are_decided_before_the_picture_and_reported() -> None:
    automatic, _ = rendered(dataclasses.replace(SEAHORSE, max_iterations=None))
    fixed, _ = rendered(dataclasses.replace(SEAHORSE, max_iterations=automatic.max_iterations))
    assert automatic.max_iterations >= 1024
    assert automatic.pixels_sha256 == fixed.pixels_sha256


@pytest.mark.parametrize(("width", "height"), [(1, 1), (129, 1), (1, 200), (128, 64)])
def test_pictures_of_awkward_sizes_are_whole(width: int, height: int) -> None:
    definition = dataclasses.replace(SEAHORSE, frame=Frame(width=width, height=height, side=1, block_size=64))
    _, data = rendered(definition)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), at_once(definition))


def test_the_watcher_sees_the_work_grow_to_its_end() -> None:
    seen: list[Progress] = []
    LocalRenderer(definition=SEAHORSE, texts={}, threads=2).run(Sinks(png=Memory()), seen.append)
    rendering = [progress for progress in seen if progress.stage == "rendering"]
    assert rendering[-1].share == 1.0
    assert rendering[-1].iterations > 0
    assert [p.iterations for p in rendering] == sorted(p.iterations for p in rendering)


def test_an_interruption_ends_every_thread_within_200_ms() -> None:
    # Beside the neck at −3/4 a point at height y takes π/y iterations to escape: 10^8 and more in this view.
    slow = dataclasses.replace(SEAHORSE, center_re=-0.75, center_im=0.0, zoom=1e8, max_iterations=2**31 - 1)
    raised_at: list[float] = []

    def interrupt(progress: Progress) -> None:
        if progress.stage == "rendering" and progress.iterations:
            raised_at.append(time.monotonic())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalRenderer(definition=slow, texts={}, threads=2).run(Sinks(png=Memory()), interrupt)
    assert time.monotonic() - raised_at[0] < 0.2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("draw", "survey"))]


class Faulty:
    """A picture that fails at one of its pieces."""

    def render(self, rects: Sequence[Rect], control: Control) -> list[NDArray[np.uint8]]:
        if control.stopped:
            raise Stopped
        if any(rect.y >= 64 for rect in rects):
            raise MemoryError("no room for the orbit")
        return [np.zeros((rect.height, rect.width, 3), dtype=np.uint8) for rect in rects]

    def counts(self, rect: Rect, control: Control) -> NDArray[np.int64]:
        raise AssertionError(f"nobody asked for the counts of {rect} under {control}")


def test_what_a_thread_raises_is_raised_to_the_caller_and_stops_the_rest() -> None:
    control = Control()
    work = Work(cost=lambda rect: rect.pixels, total=300 * 150, control=control, started=0.0)
    drawing = Drawing(picture=Faulty(), frame=SEAHORSE.frame, control=control, work=work, threads=2)
    rows = []
    with (
        pytest.raises(MemoryError, match="no room for the orbit"),
        drawn_bands(drawing, tick=lambda: None) as bands,
    ):
        rows += [band.first_row for band in bands]
    assert rows in ([], [0])
    assert control.stopped


def test_wide_pictures_have_few_bands_in_work_and_narrow_ones_enough_for_every_thread() -> None:
    def bands_at_once(width: int, *, threads: int, counts: bool = False) -> int:
        return Drawing(
            picture=Faulty(),
            frame=Frame(width=width, height=1024, side=1, block_size=64),
            control=Control(),
            work=Work(cost=lambda _: 1.0, total=1.0, control=Control(), started=0.0),
            threads=threads,
            counts=counts,
        ).bands_at_once

    assert bands_at_once(65_536, threads=64) == 2
    assert bands_at_once(65_536, threads=64, counts=True) == 2
    assert bands_at_once(1280, threads=8) == 18
    assert bands_at_once(1280, threads=1) == 4


def test_a_thumbnail_holds_the_mean_of_each_box() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (150, 300, 3), dtype=np.uint8)
    thumbnail = Thumbnail(width=300, height=150, columns=30, rows=10)
    for row in range(0, 150, 64):
        thumbnail.add(row, rgb[row : row + 64])
    means = rgb.reshape(10, 15, 30, 10, 3).mean(axis=(1, 3))
    assert np.abs(thumbnail.rgb - means).max() <= 0.5


def test_a_thumbnail_of_an_indivisible_size_leaves_no_pixel_out() -> None:
    thumbnail = Thumbnail(width=7, height=5, columns=3, rows=2)
    thumbnail.add(0, np.full((5, 7, 3), 200, dtype=np.uint8))
    assert (thumbnail.rgb == 200).all()


class TestWork:
    """The share of work that is done."""

    def work(self, control: Control, total: float = 1000.0) -> Work:
        return Work(cost=lambda rect: float(rect.pixels), total=total, control=control, started=10.0)

    def test_an_estimate_half_as_large_as_the_work_is_corrected_by_what_was_counted(self) -> None:
        control = Control()
        work = self.work(control)
        work.begin(Rect(0, 0, 100, 1))
        work.finish(Rect(0, 0, 100, 1))
        control.memory[1] = 200
        assert work.progress(now=20.0).share == pytest.approx(0.1)
        assert work.progress(now=20.0).eta_s == pytest.approx(90.0)

    def test_iterations_inside_an_unfinished_rectangle_count(self) -> None:
        control = Control()
        work = self.work(control)
        work.begin(Rect(0, 0, 10, 1))
        control.memory[1] = 5
        assert work.progress(now=11.0).share == pytest.approx(0.005)
        assert work.progress(now=11.0).eta_s is None, "too early to tell"

    def test_all_is_done_only_when_every_rectangle_is(self) -> None:
        control = Control()
        work = self.work(control)
        work.begin(Rect(0, 0, 1000, 1))
        control.memory[1] = 5_000
        assert work.progress(now=11.0).share < 1
        work.finish(Rect(0, 0, 1000, 1))
        assert work.progress(now=12.0).share == 1.0
        assert work.progress(now=12.0).eta_s == 0.0

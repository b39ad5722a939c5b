"""What a kernel thread does: one function for each kind of task. No MPI here, and no decision.

The run's `Control` stops each of them within milliseconds, whatever the size of a tile.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, assert_never

from fractal_api.errors import FractalError, PermanentError
from fractal_api.tiles import band_spans, join_tile
from fractal_api.tiling import Rect
from fractal_kernel.coarse import Samples
from fractal_kernel.escape.control import Control, Stopped
from fractal_kernel.image.slabs import deflate
from fractal_kernel.picture import Picture
from fractal_kernel.world import orders
from fractal_kernel.world.batches import MAX_PIXELS
from fractal_kernel.world.costs import tile_iterations

if TYPE_CHECKING:
    from fractal_kernel.definition import Definition
    from fractal_kernel.wire import Blob

Answer = tuple[orders.Outcome, tuple["Blob", ...]]
"""An outcome, and the data that goes with it."""


class Unrenderable(PermanentError):  # noqa: N818 - it says what the definition is
    """A definition that no picture can be made of."""


class Scene:
    """A run on one rank: its picture, its share of the coarse samples, and the control that stops its tasks."""

    def __init__(self, run: str, definition: "Definition", *, rank: int, ranks: int) -> None:
        self.run = run
        self.definition = definition
        self.control = Control()
        self._rank = rank
        self._ranks = ranks

    @cached_property
    def samples(self) -> Samples:
        """The rank's share of the coarse samples, kept from round to round."""
        with _blaming(self.definition):
            return Samples(self.definition, self._rank, self._ranks)

    @cached_property
    def picture(self) -> Picture:
        """The picture; its tables are computed once."""
        with _blaming(self.definition):
            return Picture(self.definition)


@contextmanager
def _blaming(definition: "Definition") -> Iterator[None]:
    """Calls what is wrong inside the definition's fault, since it is only looked at there."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise Unrenderable(f"{definition.sampling} can't render this definition: {error}") from error


def perform(task: "orders.Sample | orders.Collect | orders.Render", scene: Scene) -> Answer:
    """Does a task of a run; Stopped when the run is halted, and an error of the definition's when it can't be done."""
    match task:
        case orders.Sample():
            return _sample(task, scene), ()
        case orders.Collect():
            return _collect(task, scene)
        case orders.Render():
            return _render(task, scene)
        case _:
            assert_never(task)


def answer(task: orders.Task, work: Callable[[], Answer]) -> Answer:
    """What the work gives, or why it gave nothing. Whatever is not the task's own fault is raised."""
    try:
        return work()
    except Stopped:
        return orders.Stopped(task=task.task), ()
    except FractalError as error:
        return orders.Refused(task=task.task, reason=str(error)), ()


def _sample(task: orders.Sample, scene: Scene) -> orders.Sampled:
    scene.samples.advance(task.limit, scene.control)
    return orders.Sampled(task=task.task, tally=scene.samples.tally)


def _collect(task: orders.Collect, scene: Scene) -> Answer:
    scene.samples.advance(task.limit, scene.control)
    iterations = tile_iterations(scene.samples.work(task.max_iterations), scene.definition.frame)
    del scene.samples  # 3 MiB that nobody asks for any more
    return orders.Collected(task=task.task), (iterations.tobytes(),)


def _render(task: orders.Render, scene: Scene) -> Answer:
    started, before = time.perf_counter(), scene.control.iterations
    grid = scene.definition.frame.grid
    rects = [grid.tile(tile) for tile in task.tiles]
    if sum(rect.pixels for rect in rects) > MAX_PIXELS:
        blobs = [_large_tile(index, rect, scene) for index, rect in zip(task.tiles, rects, strict=True)]
    else:
        blobs = _small_tiles(task.tiles, rects, scene)
    rendered = orders.Rendered(
        task=task.task,
        iterations=scene.control.iterations - before,
        seconds=time.perf_counter() - started,
    )
    return rendered, tuple(blobs)


def _small_tiles(indices: Sequence[int], rects: Sequence[Rect], scene: Scene) -> list["Blob"]:
    """The blobs of tiles that are rendered in one call."""
    blobs: list[Blob] = []
    for index, rect, rgb in zip(indices, rects, scene.picture.render(rects, scene.control), strict=True):
        _heed(scene.control)
        blobs.append(join_tile(rect, [deflate(rgb[rows]) for rows in _slab_rows(rect)], index=index))
    return blobs


def _large_tile(index: int, rect: Rect, scene: Scene) -> "Blob":
    """The blob of a tile whose pixels are never in memory all at once."""
    slabs = []
    for rows in _slab_rows(rect):
        strip = Rect(rect.x, rect.y + rows.start, rect.width, rows.stop - rows.start)
        [rgb] = scene.picture.render([strip], scene.control)
        slabs.append(deflate(rgb))
    return join_tile(rect, slabs, index=index)


def _slab_rows(rect: Rect) -> Iterator[slice]:
    """The rows of each slab of a tile, counted from its top."""
    return (slice(row - rect.y, row - rect.y + rows) for _, row, rows in band_spans(rect))


def _heed(control: Control) -> None:
    if control.stopped:
        raise Stopped

"""Who renders: threads of this process, or ranks that outlive an interruption in what they have stored.

Ranks cost about a second before the first pixel, so they are worth it for pictures that take several. Without an
Open MPI there are none, which is said once, and only where it matters.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fractal_api.canonical import canonical_spec
from fractal_api.tiling import Rect
from fractal_kernel import coarse
from fractal_kernel.escape.control import Control
from fractal_kernel.image.provenance import texts
from fractal_kernel.render import LocalRenderer, Rendered, Renderer, Sinks, Watch

if TYPE_CHECKING:
    from fractal_kernel.cli.request import Request
    from fractal_kernel.coarse import Survey

LONG_S: Final = 5.0
"""A picture that is expected to take longer than this is worth ranks."""

RATE: Final = 5e8
"""Iterations a second that a processor does, roughly: measured 3e8 to 9e8, by how early pixels escape."""

SURVEY_S: Final = 0.5
"""A picture whose coarse pass takes longer than this takes long."""

NO_MPI: Final = (
    "there is no Open MPI here, so one process renders, and an interrupted picture begins anew; "
    "pip install 'clusteredfractals[mpi]' brings one, without root"
)


def renderer_for(request: "Request") -> Renderer:
    """Who renders what is asked for."""
    if request.ranks is not None:
        return _by_ranks(request, request.ranks) or _local(request)
    if request.threads is not None or request.counts is not None:
        return _local(request)
    return Automatic(request=request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """Looks at the picture first: ranks for a long one, if there can be any, and threads for the others."""

    request: "Request"

    def run(self, sinks: Sinks, watch: Watch) -> Rendered:
        """Render the picture into the sinks."""
        survey = self._survey()
        if survey is None or self._takes_long(survey):
            from fractal_kernel.world_render.renderer import WorldUnavailable  # noqa: PLC0415 - only then it is needed

            try:
                if ranks := _by_ranks(self.request, _processors()):
                    return ranks.run(sinks, watch)
            except WorldUnavailable as error:
                _say(f"no ranks could be started ({error}), so one process renders")
        return _local(self.request, survey).run(sinks, watch)

    def _survey(self) -> "Survey | None":
        """The picture's coarse pass, or None when it takes long itself."""
        control = Control()
        with ThreadPoolExecutor(1, thread_name_prefix="survey") as pool:
            future = pool.submit(coarse.survey, self.request.order.definition, control)
            try:
                wait([future], timeout=SURVEY_S)
            finally:
                control.stop()
            return future.result() if future.done() and future.exception() is None else None

    def _takes_long(self, survey: "Survey") -> bool:
        frame = self.request.order.definition.frame
        return survey.cost(Rect(0, 0, frame.width, frame.height)) > LONG_S * RATE * _processors()


def _local(request: "Request", survey: "Survey | None" = None) -> Renderer:
    order = request.order
    return LocalRenderer(
        definition=order.definition,
        texts=texts(canonical_spec(order.spec)),
        threads=request.threads or _processors(),
        survey=survey,
    )


def _by_ranks(request: "Request", ranks: int) -> Renderer | None:
    """Ranks, or None where there is no Open MPI, which is said."""
    # Here, since they cost half a second that threads need not pay.
    from fractal_kernel.world.launch import find_mpirun  # noqa: PLC0415
    from fractal_kernel.world_render.renderer import WorldRenderer  # noqa: PLC0415

    mpirun = find_mpirun()
    if mpirun is None:
        _say(NO_MPI)
        return None
    return WorldRenderer(spec=request.order.spec, mpirun=mpirun, ranks=ranks, say=_say)


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _say(line: str) -> None:
    print(f"fractal: {line}", file=sys.stderr)

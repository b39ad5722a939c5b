"""How far a run is, and when it will be done: by work, since a tile may cost one iteration a pixel or a million."""

from typing import TYPE_CHECKING, Final

from fractal_kernel.agent.notices import Figures

if TYPE_CHECKING:
    from fractal_kernel.agent.phases import RunView

ALMOST: Final = 0.999
"""The share shown at most while a tile is missing."""


class Pace:
    """Counts the work of one run, from `now` on; all times are of one steady clock, in seconds.

    What a world has ahead is known by work; what was stored before it, by tiles alone.
    """

    def __init__(self, now: float) -> None:
        self._start = now
        self._world_start = now
        self._before = 0.0
        self._share = 0.0
        self._ahead = 0.0
        self._came = 0.0

    def surveyed(self, run: "RunView", work: float, now: float) -> None:
        """A world has so much work ahead."""
        self._before = self._share = max(self._share, min(run.done / run.total, ALMOST))
        self._world_start, self._ahead, self._came = now, work, 0.0

    def rendered(self, work: float) -> None:
        """The world has done so much of it."""
        self._came += work

    def seconds(self, now: float) -> float:
        """Since the run began."""
        return now - self._start

    def figures(self, run: "RunView", now: float) -> Figures:
        """How far the run is; the time left follows from the work that the present world has done so far."""
        if run.done == run.total:
            return Figures(share=1.0, seconds=self.seconds(now), eta_s=0.0)
        eta_s = None
        if self._came > 0 and self._ahead > 0:
            self._share = min(self._before + (1 - self._before) * self._came / self._ahead, ALMOST)
            eta_s = (now - self._world_start) * max(0.0, self._ahead - self._came) / self._came
        return Figures(share=self._share, seconds=self.seconds(now), eta_s=eta_s)

"""How fast a run is, and when it will be done: by work, since a tile may cost one iteration a pixel or a million."""

from typing import TYPE_CHECKING

from fractal_kernel.agent.notices import Figures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fractal_kernel.agent.phases import RunView
    from fractal_kernel.wire import Tile


class Pace:
    """Counts the work of one run, from `now` on; all times are of one steady clock, in seconds."""

    def __init__(self, now: float) -> None:
        self._start = now
        self._world_start = now
        self._ahead = 0.0
        self._came = 0.0

    def surveyed(self, work: float, now: float) -> None:
        """A world has so much work ahead."""
        self._world_start, self._ahead, self._came = now, work, 0.0

    def rendered(self, tiles: "Iterable[Tile]") -> None:
        """The world has done these."""
        self._came += sum(tile.work for tile in tiles)

    def seconds(self, now: float) -> float:
        """Since the run began."""
        return now - self._start

    def figures(self, run: "RunView", now: float) -> Figures:
        """How far the run is. The time left follows from the work that the present world has done so far."""
        eta_s = None
        if self._came > 0:
            eta_s = (now - self._world_start) * max(0.0, self._ahead - self._came) / self._came
        return Figures(share=run.done / run.total, seconds=self.seconds(now), eta_s=eta_s)

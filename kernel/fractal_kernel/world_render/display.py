"""What a person sees of a world that renders: the stage, the tiles of each rank, and what is waited for."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from fractal_kernel.agent import notices as n
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.work import Progress

RANKS_SHOWN: Final = 8
"""With more ranks than this only the fewest and the most tiles of a rank are shown."""


class Display:
    """An onlooker that turns notices into `Progress`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._ranks = 0
        self._lost = False
        self._surveyed = False
        self._tiles: Counter[int] = Counter()
        self._by_tiles = 0
        self._by_beats = 0
        self._figures = n.Figures()
        self._waits: dict[str, str] = {}
        self.world_came = False

    def __call__(self, notice: n.Notice) -> None:
        """Keep what a person may want to know."""
        match notice:
            case n.WorldUp():
                self.world_came, self._ranks = True, len(notice.hosts)
            case n.WorldDown():
                self._ranks, self._lost, self._surveyed = 0, True, False
            case n.Surveyed():
                self._surveyed = True
            case n.TilesCame():
                self._tiles[notice.batch.rank] += len(notice.batch.tiles)
                self._by_tiles += notice.batch.iterations
            case n.WorldBeat():
                # A tile may take minutes; the beats tell that something happens.
                self._by_beats = sum(beat.iterations for beat in notice.beats)
            case n.PhaseChanged() | n.Progressed():
                self._figures = notice.figures
            case n.Waiting():
                self._waits[notice.what] = notice.message
            case _:
                pass

    def progress(self, run: RunView) -> Progress:
        """How far the run is."""
        return Progress(
            stage=self._stage(run),
            share=self._figures.share,
            iterations=max(self._by_tiles, self._by_beats),
            seconds=self._clock() - self._start,
            eta_s=self._figures.eta_s,
        )

    def _stage(self, run: RunView) -> str:
        if waits := next(filter(None, self._waits.values()), ""):
            return f"waiting: {waits}"
        if not self._ranks:
            return "starting the ranks again" if self._lost else "starting the ranks"
        if run.phase is Phase.ASSEMBLING:
            return "writing the picture"
        return f"{run.done} of {run.total} tiles, {self._shares()}" if self._surveyed else "surveying"

    def _shares(self) -> str:
        """How the tiles are spread over the ranks."""
        counts = [self._tiles[rank] for rank in range(self._ranks)]
        if self._ranks > RANKS_SHOWN:
            return f"{min(counts)} to {max(counts)} by each of {self._ranks} ranks"
        return f"by rank {' '.join(map(str, counts))}"

"""What a person sees of a world that renders: the stage, the tiles of each rank, and what is waited for."""

from collections import Counter

from fractal_kernel.agent import notices as n
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.work import Progress

RANKS_BY_NAME = 8
"""With more ranks than this only the fewest and the most tiles of a rank are shown."""


class Display:
    """An onlooker that turns notices into `Progress`."""

    def __init__(self) -> None:
        self.world_came = False
        self._ranks = 0
        self._tiles: Counter[int] = Counter()
        self._iterations = 0
        self._figures = n.Figures()
        self._trouble = ""
        self._waits: dict[str, str] = {}

    def __call__(self, notice: n.Notice) -> None:
        """Keep what a person may want to know."""
        match notice:
            case n.WorldUp():
                self.world_came, self._ranks, self._trouble = True, len(notice.hosts), ""
            case n.WorldDown():
                self._ranks, self._trouble = 0, notice.message
            case n.TilesCame():
                self._tiles.update(tile.rank for tile in notice.tiles)
                self._iterations += sum(tile.iterations for tile in notice.tiles)
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
            iterations=self._iterations,
            seconds=self._figures.seconds,
            eta_s=self._figures.eta_s,
        )

    def _stage(self, run: RunView) -> str:
        if waits := next(filter(None, self._waits.values()), ""):
            return f"waiting: {waits}"
        if not self._ranks:
            return "starting the ranks again" if self._trouble else "starting the ranks"
        if run.phase is Phase.ASSEMBLING:
            return "writing the picture"
        return f"{self._shares()}, {run.done} of {run.total} tiles" if self._tiles else "surveying"

    def _shares(self) -> str:
        """How the tiles are spread over the ranks."""
        counts = [self._tiles[rank] for rank in range(self._ranks)]
        if self._ranks > RANKS_BY_NAME:
            return f"{self._ranks} ranks, {min(counts)} to {max(counts)} tiles each"
        return "tiles by rank " + " ".join(map(str, counts))

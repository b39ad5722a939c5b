"""Prometheus series of an agent, counted from its notices."""

from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from fractal_kernel.agent import notices as n
from fractal_kernel.agent.phases import ENDED

if TYPE_CHECKING:
    from fractal_kernel.wire import Tiles

_RUN_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


class Metrics:
    """An onlooker that counts. Each agent has a registry of its own."""

    CONTENT_TYPE = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._runs = Counter("fractal_agent_runs", "Runs that ended here, by how.", ["phase"], registry=self._registry)
        self._seconds = Histogram(
            "fractal_agent_run_seconds",
            "Seconds from a run's start to its end, by how it ended.",
            ["phase"],
            buckets=_RUN_SECONDS,
            registry=self._registry,
        )
        self._tiles = Counter("fractal_agent_tiles", "Tiles that ranks rendered.", registry=self._registry)
        self._iterations = Counter(
            "fractal_agent_iterations", "Iterations of the rendered tiles.", registry=self._registry
        )
        self._busy = Counter(
            "fractal_agent_rank_busy_seconds", "Seconds that ranks spent on tiles.", ["rank"], registry=self._registry
        )
        self._retries = Counter(
            "fractal_agent_retries",
            "Runs that went on after a loss, by cause.",
            ["reason"],
            registry=self._registry,
        )
        self._spool = Gauge("fractal_agent_spool_bytes", "Tiles that wait for the store.", registry=self._registry)
        self._losses = Counter(
            "fractal_agent_world_restarts", "Worlds that were lost, by the cause.", ["reason"], registry=self._registry
        )
        self._ready = Gauge("fractal_agent_ready", "Whether a world answers.", registry=self._registry)
        self._ranks = Gauge("fractal_agent_ranks", "Ranks of the world that answers.", registry=self._registry)

    def __call__(self, notice: n.Notice) -> None:
        """Count it."""
        match notice:
            case n.PhaseChanged() if notice.run.phase in ENDED and not notice.recalled:
                self._runs.labels(notice.run.phase).inc()
                self._seconds.labels(notice.run.phase).observe(notice.figures.seconds)
            case n.TilesCame():
                self._count_tiles(notice.batch)
            case n.Retried():
                self._retries.labels(notice.cause).inc()
            case n.SpoolChanged():
                self._spool.set(notice.held)
            case n.WorldUp():
                self._ready.set(1)
                self._ranks.set(len(notice.hosts))
            case n.WorldDown():
                self._losses.labels(notice.cause).inc()
                self._ready.set(0)
                self._ranks.set(0)
            case _:
                pass

    def text(self) -> bytes:
        """All series, in Prometheus' text format."""
        return generate_latest(self._registry)

    def _count_tiles(self, batch: "Tiles") -> None:
        self._tiles.inc(len(batch.tiles))
        self._iterations.inc(batch.iterations)
        self._busy.labels(str(batch.rank)).inc(batch.seconds)

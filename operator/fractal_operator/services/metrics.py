"""What the operator counts and measures, as Prometheus reads it; each series moves by one method."""

import time
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_ASSIGN_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
_RUN_S: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)


class Metrics:
    """The operator's series, in a registry of their own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._oldest: float | None = None
        self._watch_age: Callable[[], float] = lambda: 0.0
        self.registry: Final = CollectorRegistry()
        self._queue_length = Gauge("fractal_queue_length", "FractalJobs that wait for a world.", registry=self.registry)
        self._queue_age = Gauge(
            "fractal_queue_age_seconds",
            "Seconds that the oldest waiting job has waited.",
            registry=self.registry,
        )
        self._queue_age.set_function(self._age_of_queue)
        self._assign = Histogram(
            "fractal_assign_seconds",
            "Seconds from a FractalJob's arrival to its first world.",
            registry=self.registry,
            buckets=_ASSIGN_S,
        )
        self._run = Histogram(
            "fractal_run_seconds", "Seconds from start to result of a run.", registry=self.registry, buckets=_RUN_S
        )
        self._tiles = Counter("fractal_tiles", "Tiles that runs have acknowledged.", registry=self.registry)
        self._iterations = Counter("fractal_iterations", "Iterations of completed runs.", registry=self.registry)
        self._retries = Counter(
            "fractal_retries", "Runs that were tried again, by reason.", ["reason"], registry=self.registry
        )
        self._leader = Gauge("fractal_leader", "1 while this replica leads.", registry=self.registry)
        Gauge(
            "fractal_watch_age_seconds",
            "Seconds that the leader's watches are silent.",
            registry=self.registry,
        ).set_function(self._age_of_watches)

    def queued(self, length: int, *, oldest_s: float = 0.0) -> None:
        """So many jobs wait; the one that has waited longest has done so for `oldest_s` now, and goes on."""
        self._queue_length.set(length)
        self._oldest = self._clock() - oldest_s if length else None

    def assigned(self, waited_s: float) -> None:
        """A job got its first world, after so long."""
        self._assign.observe(waited_s)

    def ran(self, took_s: float) -> None:
        """A run ended with a result, after so long."""
        self._run.observe(took_s)

    def rendered(self, *, tiles: int = 0, iterations: int = 0) -> None:
        """So many more tiles and iterations are done."""
        self._tiles.inc(tiles)
        self._iterations.inc(iterations)

    def retried(self, reason: str) -> None:
        """A job was queued again; `reason` is a JobReason, since each value is a series of its own."""
        self._retries.labels(reason=reason).inc()

    def leads(self, leads: bool) -> None:
        """Whether this replica leads now."""
        self._leader.set(leads)

    def follow_watches(self, age_s: Callable[[], float]) -> None:
        """From now on `age_s` tells how long the watches have been silent."""
        self._watch_age = age_s

    def page(self) -> bytes:
        """All series, in Prometheus's text format."""
        return generate_latest(self.registry)

    def _age_of_queue(self) -> float:
        return 0.0 if self._oldest is None else max(0.0, self._clock() - self._oldest)

    def _age_of_watches(self) -> float:
        return self._watch_age()

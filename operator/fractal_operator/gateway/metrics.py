"""The gateway's own series, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class GatewayMetrics:
    """Requests, what they took, and what went out."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "fractal_gateway_requests", "Requests.", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "fractal_gateway_request_seconds",
            "Seconds until the head of the answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._image_bytes = Counter("fractal_gateway_image_bytes", "Bytes of pictures sent.", registry=self.registry)
        self._images = Counter(
            "fractal_gateway_images", "Pictures sent, by outcome.", ("outcome",), registry=self.registry
        )
        self._followers = Gauge("fractal_gateway_log_streams", "Logs that are being sent.", registry=self.registry)

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route=route, method=method, status=str(status)).inc()
        self._seconds.labels(route=route).observe(seconds)

    def sent(self, size: int) -> None:
        """So many bytes of a picture went out."""
        self._image_bytes.inc(size)

    def image_ended(self, outcome: str) -> None:
        """A picture was sent: complete, or broken off."""
        self._images.labels(outcome=outcome).inc()

    @contextmanager
    def log_stream(self) -> Iterator[None]:
        """Counts a log that is being sent while the context lasts."""
        with self._followers.track_inprogress():
            yield

"""Each series moves by its method, and by no other."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fractal_operator.services.metrics import Metrics


def read(metrics: Metrics) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.page().decode())
    return {
        sample.name + "".join(f"{{{key}={value}}}" for key, value in sample.labels.items()): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }


@pytest.mark.parametrize(
    ("move", "moved"),
    [
        (lambda m: m.queued(3, oldest_s=7.0), {"fractal_queue_length": 3, "fractal_queue_age_seconds": 7}),
        (lambda m: m.assigned(0.25), {"fractal_assign_seconds_count": 1, "fractal_assign_seconds_sum": 0.25}),
        (lambda m: m.ran(12.0), {"fractal_run_seconds_count": 1, "fractal_run_seconds_sum": 12}),
        (lambda m: m.rendered(tiles=5), {"fractal_tiles_total": 5}),
        (lambda m: m.rendered(iterations=9), {"fractal_iterations_total": 9}),
        (lambda m: m.retried("WorldLost"), {"fractal_retries_total{reason=WorldLost}": 1}),
        (lambda m: m.leads(True), {"fractal_leader": 1}),
        (lambda m: m.follow_watches(lambda: 42.0), {"fractal_watch_age_seconds": 42}),
    ],
    ids=["queue", "assign", "run", "tiles", "iterations", "retries", "leader", "watches"],
)
def test_a_method_moves_its_series_only(move: Callable[[Metrics], None], moved: dict[str, float]) -> None:
    metrics = Metrics(clock=lambda: 1000.0)
    before = read(metrics)
    move(metrics)
    after = read(metrics)
    assert {name: value for name, value in after.items() if before.get(name) != value} == moved


def test_the_age_of_the_queue_goes_on_between_two_looks() -> None:
    now = [100.0]
    metrics = Metrics(clock=lambda: now[0])
    metrics.queued(1, oldest_s=5.0)
    now[0] = 110.0
    assert read(metrics)["fractal_queue_age_seconds"] == 15.0
    metrics.queued(0)
    assert read(metrics)["fractal_queue_age_seconds"] == 0.0


def test_a_replica_that_leads_no_more_says_so() -> None:
    metrics = Metrics()
    metrics.leads(True)
    metrics.leads(False)
    assert read(metrics)["fractal_leader"] == 0

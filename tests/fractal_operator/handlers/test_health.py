"""What the kubelet and Prometheus are answered, in each stage of the process."""

import aiohttp
import pytest

from fractal_operator.handlers.health import Health, Stage, serve_health
from fractal_operator.services.metrics import Metrics


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("stage", "ready"),
    [(Stage.STARTING, 503), (Stage.STANDING_BY, 200), (Stage.LEADING, 200), (Stage.LEAVING, 503)],
)
def test_leader_and_standby_are_ready(stage: Stage, ready: int) -> None:
    health = Health(Metrics())
    health.enter(stage)
    assert health.readiness() == (ready, stage)
    assert health.liveness()[0] == 200


def test_a_leader_says_what_keeps_it_from_its_work() -> None:
    health = Health(Metrics())
    health.enter(Stage.LEADING)
    health.hinder("make_secrets", "a webhook says no")
    assert health.readiness() == (503, "leading, but a webhook says no")
    health.hinder("make_secrets", "")
    assert health.readiness() == (200, "leading")


def test_a_leader_whose_watches_are_silent_for_three_minutes_is_dead() -> None:
    clock = Clock()
    health = Health(Metrics(), clock)
    health.enter(Stage.LEADING)
    stream = health.pulse.open(clock.now)
    clock.now += 179
    assert health.liveness()[0] == 200
    clock.now += 2
    assert health.liveness() == (503, "the watches have been silent for 181 s")
    health.pulse.heard(stream, clock.now)
    assert health.liveness()[0] == 200


def test_a_standby_has_no_watches_that_could_be_silent() -> None:
    clock = Clock()
    health = Health(Metrics(), clock)
    health.enter(Stage.STANDING_BY)
    clock.now += 10_000
    assert health.liveness()[0] == 200
    assert health.watch_age_s() == 0.0


def test_a_leader_that_never_opens_a_watch_is_dead_too() -> None:
    clock = Clock()
    health = Health(Metrics(), clock)
    health.enter(Stage.LEADING)
    clock.now += 200
    assert health.liveness()[0] == 503


async def test_probes_and_series_are_served_over_http(unused_tcp_port: int) -> None:
    health = Health(Metrics())
    server = await serve_health(health, unused_tcp_port)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as session:
            async with session.get("/readyz") as answer:
                assert (answer.status, await answer.text()) == (503, "starting\n")
            health.enter(Stage.LEADING)
            async with session.get("/readyz") as answer:
                assert (answer.status, await answer.text()) == (200, "leading\n")
            async with session.get("/healthz") as answer:
                assert answer.status == 200
            async with session.get("/metrics") as answer:
                assert answer.content_type == "text/plain"
                assert "fractal_leader 1.0" in await answer.text()
    finally:
        await server.cleanup()

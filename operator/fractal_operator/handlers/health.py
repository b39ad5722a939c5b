"""What the kubelet and Prometheus ask, answered outside kopf: /healthz, /readyz, /metrics."""

import time
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from aiohttp import web

from fractal_operator.core.pulse import Pulse
from fractal_operator.services.metrics import Metrics

SILENT_S: Final = 180.0
"""A leader whose watches say nothing for so long is dead, whatever it thinks."""


class Stage(StrEnum):
    """Where the process is in its life."""

    STARTING = "starting"
    STANDING_BY = "standing by"
    LEADING = "leading"
    LEAVING = "leaving"


class Health:
    """The process's state, as probes see it. A standby is ready: it would take over."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self.metrics = metrics
        self._clock = clock
        self._pulse: Pulse | None = None
        self._stage = Stage.STARTING
        self._hindered: dict[str, str] = {}
        metrics.follow_watches(self.watch_age_s)

    def enter(self, stage: Stage) -> None:
        """Take notice of the next stage; leading starts the watches' clock."""
        self._stage = stage
        self._pulse = Pulse(self._clock()) if stage is Stage.LEADING else None
        self.metrics.leads(stage is Stage.LEADING)

    def hinder(self, step: str, words: str) -> None:
        """Take notice of what keeps a leader from a step of its work; nothing does when there are no words."""
        self._hindered.pop(step, None)
        if words:
            self._hindered[step] = words

    @property
    def pulse(self) -> Pulse:
        """The pulse of the leader's watches."""
        if self._pulse is None:
            raise RuntimeError("only a leader has watches")
        return self._pulse

    def watch_age_s(self) -> float:
        """How long the leader's watches have been silent; 0 for anybody else."""
        return 0.0 if self._pulse is None else self._pulse.age_s(self._clock())

    def liveness(self) -> tuple[HTTPStatus, str]:
        """Whether the process should go on living. A blocked event loop never comes here, which says the same."""
        age = self.watch_age_s()
        if age > SILENT_S:
            return HTTPStatus.SERVICE_UNAVAILABLE, f"the watches have been silent for {age:.0f} s"
        return HTTPStatus.OK, self._stage

    def readiness(self) -> tuple[HTTPStatus, str]:
        """Whether the process does its part; what hinders a leader is told."""
        if self._stage is Stage.LEADING and self._hindered:
            return HTTPStatus.SERVICE_UNAVAILABLE, f"{self._stage}, but {'; '.join(self._hindered.values())}"
        ready = self._stage in (Stage.STANDING_BY, Stage.LEADING)
        return HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, self._stage


async def serve_health(health: Health, port: int) -> web.AppRunner:
    """The running server, on every address of this host; whoever gets it cleans it up."""

    async def alive(_: web.Request) -> web.Response:
        status, text = health.liveness()
        return web.Response(status=status, text=f"{text}\n")

    async def ready(_: web.Request) -> web.Response:
        status, text = health.readiness()
        return web.Response(status=status, text=f"{text}\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=health.metrics.page(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner

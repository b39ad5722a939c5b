"""Probes and metrics."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fractal_operator.gateway.metrics import GatewayMetrics

DRAINING: Final = "this gateway is ending\n"


def observation_routes(metrics: GatewayMetrics, is_ending: Callable[[], bool]) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`.

    Store and API server count for neither probe: a gateway that can't reach them still says so to its callers, with the
    time to come again, and no restart helps.
    """
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @router.get("/readyz")
    async def readyz() -> Response:
        if is_ending():
            return PlainTextResponse(DRAINING, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return PlainTextResponse("ok\n")

    @router.get("/metrics")
    async def series() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router

"""The applications behind the gateway's ports: the same routes, other gates."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from fractal_operator.gateway import image_routes, job_routes, log_routes, problems
from fractal_operator.gateway.crowd import Crowd
from fractal_operator.gateway.gate import Gate
from fractal_operator.gateway.observation import observation_routes
from fractal_operator.gateway.request_log import RequestLog
from fractal_operator.gateway.rooms import Reception, Rooms

DOORS = (job_routes.router, image_routes.router, log_routes.router)


def door(rooms: Rooms, gate: Gate) -> ASGIApp:
    """The application that shows jobs to whoever the gate lets in."""
    app = _application(*DOORS)
    app.state.reception = Reception(rooms, gate)
    return RequestLog(Crowd(app), rooms.metrics)


def observatory(rooms: Rooms, is_ending: Callable[[], bool]) -> ASGIApp:
    """The application with probes and metrics, and nothing else."""
    return RequestLog(_application(observation_routes(rooms.metrics, is_ending)), rooms.metrics)


def _application(*routers: APIRouter) -> FastAPI:
    # Its own pages would load scripts from elsewhere.
    app = FastAPI(title="ClusteredFractals", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for router in routers:
        app.include_router(router)
    problems.install(app)
    return app

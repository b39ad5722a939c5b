"""The agent's HTTP: runs are put, read and taken back; probes and metrics.

    PUT    /runs/{uid}-{attempt}   {"spec": …, "attempt": n, "expirySeconds": n}   201, or 200 when it is known
    GET    /runs/{id}, GET /runs                                                   200, 404
    DELETE /runs/{id}                                                              200, or 204 when it isn't known
    GET    /healthz, /readyz, /metrics                                             without a token

Errors are JSON: `error` is one word for programs, `message` one sentence for people.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from fractal_api.errors import FractalError, SpecError, TemporaryError
from fractal_kernel.agent.bodies import BodyError, order_from_body, run_json
from fractal_kernel.agent.bulletin import Bulletin
from fractal_kernel.agent.driver import Agent
from fractal_kernel.agent.metrics import Metrics
from fractal_kernel.agent.orders import OtherPicture, Taken
from fractal_kernel.agent.settings import SettingsError
from fractal_kernel.depth import DepthNotSupported
from fractal_kernel.store.interface import RunConflict

MAX_BODY: Final = 1 << 20
OPEN: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probes can't send a token, and scrapers rarely do; no id of a run, which is a capability, is told there."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the handlers work with; `token` gives the bearer token of the moment."""

    agent: Agent
    bulletin: Bulletin
    metrics: Metrics
    install: str
    token: Callable[[], str]

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[_speak_of_errors, self._authorize], client_max_size=MAX_BODY)
        app.add_routes(
            [
                web.put("/runs/{run}", self._put),
                web.get("/runs/{run}", self._get),
                web.delete("/runs/{run}", self._delete),
                web.get("/runs", self._list),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        return app

    @web.middleware
    async def _authorize(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN:
            return await handler(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        # In constant time, so that a token can't be guessed letter by letter.
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            given.encode(errors="surrogateescape"), self.token().encode()
        ):
            problem = _problem(401, "Unauthorized", "a bearer token is needed, and this agent's")
            problem.headers["WWW-Authenticate"] = "Bearer"
            return problem
        return await handler(request)

    async def _put(self, request: web.Request) -> web.Response:
        run = request.match_info["run"]
        order = order_from_body(run, await request.read(), self.install)
        known = self.agent.view(run) is not None
        view = await self.agent.put(order)
        return web.json_response(run_json(view), status=200 if known or view.ended else 201)

    async def _get(self, request: web.Request) -> web.Response:
        run = request.match_info["run"]
        view = self.agent.view(run)
        if view is None:
            return _problem(404, "NotFound", f"run {run} is not known here; put it to learn what the store knows of it")
        return web.json_response(run_json(view))

    async def _delete(self, request: web.Request) -> web.Response:
        view = await self.agent.take_back(request.match_info["run"])
        return web.Response(status=204) if view is None else web.json_response(run_json(view))

    async def _list(self, _: web.Request) -> web.Response:
        runs = [run_json(view) for view in (*self.agent.active, *reversed(self.agent.ended))]
        return web.json_response({"runs": runs, "world": self.bulletin.world()})

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        status = 200 if self.agent.ready else 503
        return web.json_response(self.bulletin.world() | {"ready": self.agent.ready}, status=status)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self.metrics.text(), headers={"Content-Type": Metrics.CONTENT_TYPE})


@web.middleware
async def _speak_of_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what was raised into an answer."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _problem(error.status, error.reason.replace(" ", ""), f"{request.method} {request.path}: {error.reason}")
    except FractalError as error:
        return _answer(error)


def _answer(error: FractalError) -> web.Response:
    word, message = type(error).__name__, str(error)
    match error:
        case Taken():
            return _problem(409, word, message, runs=list(error.runs))
        case OtherPicture() | RunConflict():
            return _problem(409, word, message)
        case TemporaryError() | SettingsError():
            problem = _problem(503, word, message)
            problem.headers["Retry-After"] = "5"
            return problem
        case SpecError():
            return _problem(400, word, message, field=error.field)
        case BodyError() | DepthNotSupported():
            return _problem(400, word, message)
        case _:
            return _problem(500, word, message)


def _problem(status: int, word: str, message: str, **more: object) -> web.Response:
    return web.json_response({"error": word, "message": message, **more}, status=status)

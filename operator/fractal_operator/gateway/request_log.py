"""A line of the log and a count for each request. The outermost layer of an application: it sees what became of all."""

import logging
import time
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fractal_api.errors import FractalError
from fractal_operator.gateway.metrics import GatewayMetrics

_log = logging.getLogger(__name__)

UNKNOWN: Final = "unknown"
QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestLog:
    """Wraps an application. What breaks off an answer that has begun ends here: the connection is then closed."""

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        scope.setdefault("state", {})
        began = time.monotonic()
        status, size, head_s = 0, 0, 0.0

        async def sending(message: Message) -> None:
            nonlocal status, size, head_s
            if message["type"] == "http.response.start":
                status, head_s = message["status"], time.monotonic() - began
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except FractalError:
            pass  # it was logged where it arose; whoever serves us sees an answer that isn't complete, and hangs up
        finally:
            self._note(scope, status or HTTPStatus.INTERNAL_SERVER_ERROR, head_s)
            self._tell(scope, status, size, time.monotonic() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics.answered(route=_route(scope), method=_method(scope), status=status, seconds=seconds)

    def _tell(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        level = logging.DEBUG if _route(scope) in QUIET else logging.INFO
        job = scope["state"].get("job")
        _log.log(
            level,
            "%s %s: %d, %d bytes, %.0f ms",
            _method(scope),
            _route(scope),
            status,
            size,
            1000 * seconds,
            extra={} if job is None else {"job": job},
        )


def _route(scope: Scope) -> str:
    """The pattern of the route that served the request: paths themselves are without bound."""
    return getattr(scope.get("route"), "path", UNKNOWN)


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} else "other"

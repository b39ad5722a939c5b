"""A bound on requests at once: each picture that is sent holds a part of it in memory, however slow its reader is."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from fractal_operator.gateway.problems import away

MOST: Final = 200
"""A picture holds up to two parts of 1 MiB: all of them together stay within the pod's memory."""


class Crowd:
    """Wraps an application. Whoever comes when it is full is asked to come again."""

    def __init__(self, app: ASGIApp, most: int = MOST) -> None:
        self._app = app
        self._most = most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or turn it away."""
        if self._inside >= self._most:
            await away(f"the gateway serves {self._most} requests already").response(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1

"""kopf's connections to the API server: the same credentials as ours, and an ear on its watches.

kopf passes events to handlers but no bookmarks, so only here can one tell a quiet watch from a dead one.
"""

import time
from collections.abc import AsyncIterator

import aiohttp

from fractal_operator.adapters.api import Api
from fractal_operator.core.pulse import Pulse


def open_session(api: Api, pulse: Pulse) -> tuple[str, aiohttp.ClientSession]:
    """The address of the API server, and a session with it. Whoever gets the session closes it."""

    async def prepare(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.headers.update(await api.credentials())
        response = await handler(request)
        if "watch" in request.url.query and response.ok:
            response.content = _Overheard(response.content, pulse)  # type: ignore[assignment]
        return response

    return api.server, aiohttp.ClientSession(
        connector=api.connector(), headers={"User-Agent": api.user_agent}, middlewares=(prepare,)
    )


class _Overheard:
    """A stream's reader that tells the pulse of each chunk; otherwise the reader itself."""

    def __init__(self, reader: aiohttp.StreamReader, pulse: Pulse) -> None:
        self._reader = reader
        self._pulse = pulse

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """As the reader's."""
        number = self._pulse.open(time.monotonic())
        try:
            async for chunk in self._reader.iter_chunked(size):
                self._pulse.heard(number, time.monotonic())
                yield chunk
        finally:
            self._pulse.close(number)

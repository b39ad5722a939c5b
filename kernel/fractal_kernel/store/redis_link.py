"""The way to a Redis server: bounded in time, with its errors as ours, and never with its password in a message."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from fractal_api.errors import FractalError
from fractal_kernel.store.interface import StoreAway, StoreCorrupt, StoreFull, StoreUnsafe

_RETRIES: Final = 3
_FIRST_RETRY_S: Final = 0.05
_LONGEST_RETRY_S: Final = 0.5

_IN_PIPELINE: Final = re.compile(r"""Command # .* of pipeline caused error: \(["'](?P<words>.*)["'],\)""", re.DOTALL)

_SAFE_SETTINGS: Final = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class Link:
    """A pool of connections to the server at `url` (redis://, rediss:// or unix://, with user and password).

    A connection that was lost, by a restart of the server say, is made anew a few times within a call: everything
    that is sent here can be sent twice.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._checked = False
        backoff = ExponentialBackoff(cap=_LONGEST_RETRY_S, base=_FIRST_RETRY_S)
        self._client = Redis.from_url(
            url,
            # `talk` bounds each exchange as a whole. redis-py's own timeouts use asyncio.wait_for, which in Python
            # 3.11 loses a cancellation that comes as the wait ends: a cancelled run would wait for the timeout.
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(backoff, _RETRIES, supported_errors=(exceptions.ConnectionError,)),
        )
        self.place = _place(url)
        """Where the server is, for a person to read."""

    @contextlib.asynccontextmanager
    async def talk(self) -> AsyncIterator[Redis]:
        """A client for a short exchange, whose failures leave as StoreAway, StoreFull or StoreCorrupt."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield self._client
        except TimeoutError as error:
            raise StoreAway(f"Redis at {self.place} did not answer within {self._timeout_s:g} s") from error
        except (exceptions.RedisError, OSError) as error:
            raise translate(error, self.place) from error

    async def check(self) -> None:
        """Return when the server answers; StoreUnsafe when it says of itself that it may lose acknowledged writes."""
        async with self.talk() as client:
            await client.ping()
            if not self._checked:
                await _check_settings(client, self.place)
                self._checked = True

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


async def _check_settings(client: Redis, place: str) -> None:
    """Compare the server's settings with those that make an answer a promise.

    A user of the store alone may not see them (ACL); then whoever gave out that user has seen to them.
    """
    try:
        settings = await client.config_get(*_SAFE_SETTINGS)
    except exceptions.ResponseError:
        return
    wrong = [name for name, value in _SAFE_SETTINGS.items() if settings.get(name, value) != value]
    if wrong:
        remedy = ", ".join(f"{name} {_SAFE_SETTINGS[name]}" for name in wrong)
        raise StoreUnsafe(f"Redis at {place} may lose what it acknowledged: it needs {remedy}")


def translate(error: Exception, place: str) -> FractalError:
    """Our error for one of Redis or of the connection to it."""
    if isinstance(error.__cause__, exceptions.AuthenticationError):  # redis-py calls it a lost connection
        error = error.__cause__
    words = _words(error)
    match error:
        case exceptions.OutOfMemoryError():
            return StoreFull(f"Redis at {place} has no memory left: {words}")
        case exceptions.AuthenticationError() | exceptions.NoPermissionError():
            return StoreAway(f"Redis at {place} refuses this user: {words}")
        case exceptions.ResponseError() if words.startswith("MISCONF") and "space" in words:
            return StoreFull(f"Redis at {place} has no disk left: {words}")
        case exceptions.ResponseError() if words.startswith("WRONGTYPE"):
            return StoreCorrupt(f"Redis at {place} holds something foreign under a key of ours: {words}")
        case _:
            return StoreAway(f"Redis at {place} can't be used: {words}")


def _words(error: Exception) -> str:
    """What Redis said: redis-py puts the command before it, which may hold a tile."""
    words = str(error) or type(error).__name__
    annotated = _IN_PIPELINE.fullmatch(words)
    return annotated["words"] if annotated else words


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}" if parts.scheme != "unix" else parts.path

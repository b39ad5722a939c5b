"""The way to the result store: bounded in time, with its errors as ours, and never with its password in a message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.credentials import CredentialProvider

from fractal_api.errors import TemporaryError

TIMEOUT_S: Final = 5.0
_RETRIES: Final = 3
_FIRST_RETRY_S: Final = 0.05
_LONGEST_RETRY_S: Final = 0.5


class StoreAway(TemporaryError):  # noqa: N818 - it names the state of the store
    """The store doesn't answer, not in time, or not to this user."""


class StoredPassword(CredentialProvider):
    """A user whose password lies in a file, read at each new connection: a Secret may change meanwhile."""

    def __init__(self, user: str, file: Path) -> None:
        self._user = user
        self._file = file

    def get_credentials(self) -> tuple[str, str]:
        """The user and the password."""
        return self._user, self._file.read_text().strip()

    async def get_credentials_async(self) -> tuple[str, str]:
        """The same; whoever reads a file reads it beside the loop."""
        return await asyncio.to_thread(self.get_credentials)


class CurrentPassword(CredentialProvider):
    """A user whose password is asked for at each new connection: whoever knows it may have learned another one."""

    def __init__(self, user: str, ask: Callable[[], Awaitable[str]]) -> None:
        self._user = user
        self._ask = ask

    async def get_credentials_async(self) -> tuple[str, str]:
        """The user and the password."""
        return self._user, await self._ask()


class StoreLink:
    """A pool of connections to the Redis server at `url` (redis://, rediss:// or unix://).

    A connection that was lost, by a restart of the server say, is made anew a few times within an exchange: everything
    that is sent here can be sent twice.
    """

    def __init__(
        self, url: str, *, credentials: CredentialProvider | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._timeout_s = timeout_s
        self.place = _place(url)
        """Where the server is, for a person to read."""
        backoff = ExponentialBackoff(cap=_LONGEST_RETRY_S, base=_FIRST_RETRY_S)
        self._client = Redis.from_url(
            url,
            credential_provider=credentials,
            # `talk` bounds an exchange as a whole.
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(backoff, _RETRIES, supported_errors=(exceptions.ConnectionError,)),
        )

    @contextlib.asynccontextmanager
    async def talk(self) -> AsyncIterator[Redis]:
        """A client for a short exchange, whose failures leave as StoreAway."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield self._client
        except TimeoutError as error:
            raise StoreAway(f"the store at {self.place} did not answer within {self._timeout_s:g} s") from error
        except (exceptions.RedisError, OSError) as error:
            raise StoreAway(f"the store at {self.place} can't be used: {_words(error)}") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def _words(error: Exception) -> str:
    """What went wrong, without the keys of a command: they hold uids, which are capabilities."""
    if isinstance(error, exceptions.NoPermissionError | exceptions.AuthenticationError):
        return "it refuses this user"
    if isinstance(error.__cause__, exceptions.AuthenticationError):  # redis-py calls it a lost connection
        return "it refuses this user"
    if isinstance(error, exceptions.ResponseError):
        return f"it answers {str(error).partition(' ')[0]}"
    return "there is no connection"


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}" if parts.scheme != "unix" else parts.path

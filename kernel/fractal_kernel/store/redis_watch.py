"""Optimistic transactions with Redis (WATCH, MULTI, EXEC) that stay within the time that their caller gives them.

A server-side script would need a right that the store's user can do without.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import WatchError

from fractal_kernel.store.interface import StoreAway
from fractal_kernel.store.redis_values import as_bytes

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

_T = TypeVar("_T")

_RACES: Final = 100
"""Times that a transaction is tried again because somebody else was faster. Each time one of them got on, and what is
watched changes rarely: when a run is opened, noted or committed."""


class Watch(Pipeline):
    """A pipeline for one transaction: read what it depends on, `multi`, queue, `execute`."""

    async def watch_field(self, key: str, field: str) -> bytes | None:
        """Watch a hash and read one of its fields, in one round trip; redis-py by itself would make two of it."""
        connection: Connection = await self.connection_pool.get_connection()  # type: ignore[no-untyped-call]
        self.connection = connection

        async def ask() -> bytes | None:
            await connection.send_packed_command(connection.pack_commands([("WATCH", key), ("HGET", key, field)]))
            try:
                await self.parse_response(connection, "WATCH")
                value = await self.parse_response(connection, "HGET")
            except BaseException:
                # The answer to the second command may be on its way, and must not be taken for one to another.
                await connection.disconnect(nowait=True)
                raise
            return None if value is None else as_bytes(value)

        async def again(_: Exception) -> None:
            await connection.disconnect()

        value: bytes | None = await connection.retry.call_with_retry(ask, again)
        return value

    async def reset(self) -> None:  # type: ignore[override]  # redis-py's own has the name of a command
        """Give the connection back.

        A closed one watches nothing: redis-py would open it anew to say UNWATCH, and wait for a server that hangs
        though the caller's time is over.
        """
        if self.connection is not None and not self.connection.is_connected:
            self.watching = False
        await super().reset()  # type: ignore[no-untyped-call]


async def transact(client: Redis, transaction: Callable[[Watch], Awaitable[_T]], what: str) -> _T:
    """What the transaction gives, once nobody was faster; `what` it does is told when that never comes."""
    for _ in range(_RACES):
        async with Watch(client.connection_pool, client.response_callbacks, True, None) as pipe:
            try:
                return await transaction(pipe)
            except WatchError:
                continue
    raise StoreAway(f"{what}: others were faster {_RACES} times")

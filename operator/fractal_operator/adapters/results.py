"""What the operator does in the result store: read records, find what is nobody's, and unlink it. Never more.

Its Redis user may SCAN, GET and UNLINK. A key's braces hold the uid of its FractalJob; keys of other installations and
of other programs are passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from fractal_api.errors import RecordError
from fractal_api.storage import Keys, ResultRecord, keys_of
from fractal_operator.adapters.store_link import StoreLink

_SCAN_COUNT: Final = 1000
_BLOCK: Final = 64
"""Chunks that one command removes, while there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What the store has of an installation: its keys by uid, and the uids that have a result record."""

    keys: dict[str, list[str]] = field(default_factory=dict)
    results: set[str] = field(default_factory=set)


class ResultStore:
    """The results of one installation."""

    def __init__(self, link: StoreLink, install: str) -> None:
        self._link = link
        self._install = install

    async def record(self, uid: str) -> ResultRecord | None:
        """The result record of a job; None when there is none, or none that can be understood."""
        async with self._link.talk() as redis:
            value = await redis.get(Keys(install=self._install, uid=uid).result)
        try:
            return None if value is None else ResultRecord.from_json(value)
        except RecordError:
            return None

    async def forget(self, uid: str, attempts: int) -> None:
        """Remove all that the store has of a job with so many attempts: the record first, so that nobody reads on."""
        keys = Keys(install=self._install, uid=uid)
        await self.unlink((keys.result, keys.tiles, keys.run, keys.live))
        for attempt in range(1, attempts + 1):
            # Chunks are written in order: the first gap is the end.
            start = 0
            while await self.unlink(keys.chunk(attempt, start + number) for number in range(_BLOCK)):
                start += _BLOCK

    async def unlink(self, keys: Iterable[str]) -> int:
        """The number of these keys that were there, and are no more."""
        async with self._link.talk() as redis:
            return int(await redis.unlink(*keys))

    async def take_inventory(self) -> Inventory:
        """What is there now; what comes or goes meanwhile may be in it or not."""
        found, cursor = Inventory(), 0
        while True:
            async with self._link.talk() as redis:
                cursor, keys = await redis.scan(cursor, match=f"fj:{self._install}:*", count=_SCAN_COUNT)
            for raw in keys:
                self._enter(found, raw.decode(errors="replace") if isinstance(raw, bytes) else raw)
            if int(cursor) == 0:
                return found

    def _enter(self, inventory: Inventory, key: str) -> None:
        keys = keys_of(key)
        if keys is None or keys.install != self._install:
            return
        inventory.keys.setdefault(keys.uid, []).append(key)
        if key == keys.result:
            inventory.results.add(keys.uid)

"""A store in Redis: what worlds in a cluster use.

Redis with `appendfsync always` answers after the write is on its disk, so an answer is an acknowledgement. A user who
may touch the keys of one install and nothing else suffices; no command here looks for keys (docs/decisions/0070).
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, assert_never

from fractal_api.storage import (
    IMAGE_EXPIRY_S,
    TILES_EXPIRY_S,
    Atomically,
    ResultRecord,
    VerifyImage,
    expiry_s,
    plan_commit,
)
from fractal_kernel.store.commitment import ImageProof, standing
from fractal_kernel.store.interface import Blob, RunKey, StoreCorrupt, StoredRun
from fractal_kernel.store.redis_link import Link
from fractal_kernel.store.redis_transactions import (
    OWN_FIELDS,
    RENEW_S,
    add_tiles,
    enter,
    note,
    replace_live,
    settle,
)
from fractal_kernel.store.redis_values import as_bytes, keys_of_run, parse_record

_TIMEOUT_S: Final = 10.0
_UNLINK_BLOCK: Final = 64
"""Chunks that one command removes, while there are any."""


class RedisStore:
    """A `Store` in the Redis server at `url`; no call takes longer than `timeout_s`, reading an image by the chunk."""

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._link = Link(url, timeout_s=timeout_s)
        self._renewed: dict[str, float] = {}
        """When the life of which run's hash was last renewed with its tiles."""

    async def ping(self) -> None:
        """See `Store`."""
        await self._link.check()

    async def open_run(self, run: RunKey, canonical_sha: str) -> StoredRun:
        """See `Store`."""
        await self._link.check()
        async with self._link.talk() as client:
            return await enter(client, run, canonical_sha)

    async def note(self, run: RunKey, facts: Mapping[str, str]) -> None:
        """See `Store`; ValueError for the names that the store itself uses."""
        if not OWN_FIELDS.isdisjoint(facts):
            raise ValueError(f"the store itself uses the names {', '.join(sorted(OWN_FIELDS))}")
        async with self._link.talk() as client:
            await note(client, run, facts)

    async def put_tiles(self, run: RunKey, tiles: Sequence[tuple[int, Blob]]) -> None:
        """See `Store`."""
        if not tiles:
            return
        now = time.monotonic()
        renew = now - self._renewed.get(run.id, float("-inf")) >= RENEW_S
        async with self._link.talk() as client:
            await add_tiles(client, run, tiles, renew=renew)
        if renew:
            self._renewed[run.id] = now

    async def get_tile(self, run: RunKey, index: int) -> bytes:
        """See `Store`."""
        async with self._link.talk() as client:
            blob = await client.hget(keys_of_run(run).tiles, str(index))
        if blob is None:
            raise StoreCorrupt(f"run {run.id}: tile {index} is not in Redis")
        return as_bytes(blob)

    async def put_chunk(self, run: RunKey, number: int, data: Blob) -> None:
        """See `Store`."""
        async with self._link.talk() as client:
            await client.set(keys_of_run(run).chunk(run.attempt, number), data, ex=TILES_EXPIRY_S)

    async def get_chunk(self, run: RunKey, number: int) -> bytes:
        """See `Store`."""
        return await self._chunk(run, keys_of_run(run).chunk(run.attempt, number))

    async def commit(self, run: RunKey, record: ResultRecord) -> ResultRecord:
        """See `Store`."""
        stands = record
        for step in plan_commit(keys_of_run(run), record, run.ttl_s):
            match step:
                case VerifyImage():
                    try:
                        await self._prove(run, record, step)
                    except StoreCorrupt:
                        earlier = standing(run, await self.read_result(run), record)
                        if earlier is None:
                            raise
                        return earlier  # whoever wrote it has removed our chunks meanwhile
                case Atomically():
                    async with self._link.talk() as client:
                        stands = await settle(client, run, record, step)
                case _:
                    assert_never(step)
        await self._drop_images(run, keep=stands.attempt)
        return stands

    async def read_result(self, run: RunKey) -> ResultRecord | None:
        """See `Store`."""
        async with self._link.talk() as client:
            return parse_record(run, await client.get(keys_of_run(run).result))

    async def read_image(self, run: RunKey) -> AsyncIterator[bytes]:
        """See `Store`."""
        record = await self.read_result(run)
        if record is None:
            raise StoreCorrupt(f"run {run.id} has no picture in Redis")
        keys = keys_of_run(run)
        chunks, life_s = keys.chunks(record.attempt, record.chunks), expiry_s(IMAGE_EXPIRY_S, run.ttl_s)
        async with self._link.talk() as client, client.pipeline() as pipe:
            for key in (keys.result, *chunks):
                pipe.expire(key, life_s)
            await pipe.execute()
        proof = ImageProof(run, record)
        for key in chunks:
            chunk = await self._chunk(run, key)
            proof.take(chunk)
            yield chunk
        proof.conclude()

    async def write_live(self, run: RunKey, figures: Mapping[str, str]) -> None:
        """See `Store`."""
        async with self._link.talk() as client:
            await replace_live(client, run, figures)

    async def forget(self, run: RunKey) -> None:
        """See `Store`."""
        self._renewed.pop(run.id, None)
        keys = keys_of_run(run)
        async with self._link.talk() as client:
            await client.unlink(keys.result, keys.tiles, keys.run, keys.live)
        await self._drop_images(run, keep=None)

    async def release(self, run: RunKey) -> None:
        """A run in Redis isn't held by anybody; attempts put older ones out of the way."""
        self._renewed.pop(run.id, None)

    async def close(self) -> None:
        """See `Store`."""
        await self._link.close()

    async def _chunk(self, run: RunKey, key: str) -> bytes:
        async with self._link.talk() as client:
            chunk = await client.get(key)
        if chunk is None:
            raise StoreCorrupt(f"run {run.id}: chunk {key.rpartition(':')[2]} of the image is missing")
        return as_bytes(chunk)

    async def _prove(self, run: RunKey, record: ResultRecord, step: VerifyImage) -> None:
        proof = ImageProof(run, record)
        for key in step.chunks:
            proof.take(await self._chunk(run, key))
        proof.conclude()

    async def _drop_images(self, run: RunKey, keep: int | None) -> None:
        """Remove the chunks of all attempts but `keep`; they were written in order, so the first gap is the end."""
        keys = keys_of_run(run)
        for attempt in range(1, run.attempt + 1):
            removed, start = attempt != keep, 0
            while removed:
                block = [keys.chunk(attempt, start + number) for number in range(_UNLINK_BLOCK)]
                async with self._link.talk() as client:
                    removed = bool(await client.unlink(*block))
                start += _UNLINK_BLOCK

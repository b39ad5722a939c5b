"""Finished pictures, as the result store keeps them: read, proved, and kept alive by being read."""

import hashlib
from collections.abc import AsyncIterator

from fractal_api.errors import PermanentError, RecordError
from fractal_api.storage import Keys, ResultRecord, plan_read
from fractal_operator.adapters.store_link import StoreLink


class ImageLost(PermanentError):  # noqa: N818 - it names what became of the image
    """The image, or a part of it, is not what its record promises."""


class Images:
    """The images of one installation. A job's uid is the only way to its image."""

    def __init__(self, link: StoreLink, install: str) -> None:
        self._link = link
        self._install = install

    async def record(self, uid: str) -> ResultRecord | None:
        """The result record, without which there is no image; ImageLost when it can't be understood."""
        async with self._link.talk() as redis:
            value = await redis.get(self._keys(uid).result)
        try:
            return None if value is None else ResultRecord.from_json(value)
        except RecordError as error:
            raise ImageLost("the record of the image can't be understood") from error

    async def renew(self, uid: str, record: ResultRecord, ttl_s: int | None) -> None:
        """Let the image's life begin anew; ImageLost when a part of it is gone.

        `ttl_s` is the job's ttlSecondsAfterFinished.
        """
        keys = self._keys(uid)
        chunks = keys.chunks(record.attempt, record.chunks)
        plan = plan_read(keys, record, ttl_s)
        async with self._link.talk() as redis, redis.pipeline(transaction=False) as pipe:
            for key in plan.keys:
                pipe.expire(key, plan.expire_s)
            renewed = dict(zip(plan.keys, await pipe.execute(), strict=True))
        missing = sum(1 for key in chunks if not renewed[key])
        if missing:
            raise ImageLost(f"{missing} of the image's {record.chunks} parts are gone")

    async def read(self, uid: str, record: ResultRecord) -> AsyncIterator[bytes]:
        """The image's bytes, a chunk at a time; ImageLost as soon as they aren't what the record promises.

        The last chunk comes only when all of them were proved, so what comes complete is right.
        """
        digest, left = hashlib.sha256(), record.bytes
        for key in self._keys(uid).chunks(record.attempt, record.chunks):
            chunk = await self._chunk(key)
            if len(chunk) != min(record.chunk_bytes, left):
                raise ImageLost("a part of the image is gone, or has another size than it had")
            digest.update(chunk)
            left -= len(chunk)
            if left == 0 and digest.hexdigest() != record.sha256:
                raise ImageLost("the image is damaged: its SHA-256 is another one")
            yield chunk

    async def _chunk(self, key: str) -> bytes:
        async with self._link.talk() as redis:
            value = await redis.get(key)
        return value.encode() if isinstance(value, str) else value or b""

    def _keys(self, uid: str) -> Keys:
        return Keys(install=self._install, uid=uid)

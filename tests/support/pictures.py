"""Made-up runs, tiles and images for the stores: bytes that belong to their number and to nothing else."""

import hashlib
import random
from typing import Final

from support.stores import INSTALL

from fractal_api.storage import CHUNK_BYTES, ResultRecord, chunk_spans
from fractal_kernel.store.interface import RunKey, Store

SPEC: Final = "c" * 64
"""The key of the picture that the tests render."""

IMAGE: Final = random.Random(7).randbytes(2 * CHUNK_BYTES + 12_345)  # noqa: S311 - reproducible bytes
"""An image of three chunks, the last one short."""


def run_key(attempt: int = 1, uid: str = "5e0c8a52", ttl_s: int | None = None) -> RunKey:
    return RunKey(install=INSTALL, uid=uid, attempt=attempt, ttl_s=ttl_s)


def tile(index: int, size: int = 1000) -> tuple[int, bytes]:
    return index, random.Random(index).randbytes(size)  # noqa: S311 - as above


def tiles(*indices: int, size: int = 1000) -> list[tuple[int, bytes]]:
    return [tile(index, size) for index in indices]


def record_of(image: bytes = IMAGE, *, attempt: int = 1, pixels: str = "p") -> ResultRecord:
    return ResultRecord(
        sha256=hashlib.sha256(image).hexdigest(),
        pixels_sha256=hashlib.sha256(pixels.encode()).hexdigest(),
        bytes=len(image),
        chunks=len(list(chunk_spans(len(image)))),
        chunk_bytes=CHUNK_BYTES,
        attempt=attempt,
        width=640,
        height=480,
        seconds=1.5,
        max_iterations=1024,
        picture_version=1,
    )


async def put_image(store: Store, run: RunKey, image: bytes = IMAGE) -> None:
    for number, span in enumerate(chunk_spans(len(image))):
        await store.put_chunk(run, number, image[span.start : span.stop])


async def read_image(store: Store, run: RunKey) -> bytes:
    return b"".join([chunk async for chunk in store.read_image(run)])

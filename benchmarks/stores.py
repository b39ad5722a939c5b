"""What the stores cost: acknowledged tiles a second, the wait for a batch, and an image's way in and out.

    python -m benchmarks.stores [FOLDER]

FOLDER (the current one by default) is on the disk that is to be measured: everything is flushed to it.
"""

import asyncio
import hashlib
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.support.redis_server import RedisServer

from fractal_api.storage import CHUNK_BYTES, ResultRecord, chunk_count
from fractal_kernel.store.address import store_at
from fractal_kernel.store.interface import RunKey, Store

TILE_BYTES: Final = 4096
"""About a compressed 64² tile."""

BATCHES: Final = {1: 200, 8: 100, 64: 50, 512: 10}
"""Tiles in a batch, and batches measured."""

IMAGE: Final = os.urandom(32 * CHUNK_BYTES)


def run_key(name: str) -> RunKey:
    """A run that nobody else has."""
    return RunKey(install="benchmark", uid=name, attempt=1)


async def measure_tiles(store: Store, size: int, batches: int) -> str:
    """Put batches of `size` tiles one after the other."""
    run = run_key(f"tiles-{size}")
    await store.open_run(run, "0" * 64)
    waits = []
    for batch in range(batches):
        tiles = [(batch * size + number, os.urandom(TILE_BYTES)) for number in range(size)]
        start = time.perf_counter()
        await store.put_tiles(run, tiles)
        waits.append(time.perf_counter() - start)
    await store.forget(run)
    waits.sort()
    p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    rate = size * batches / sum(waits)
    wait = f"p50 {p50 * 1e3:6.2f} ms, p99 {p99 * 1e3:6.2f} ms"
    return f"{size:4} tiles a batch: {rate:8.0f} tiles/s acknowledged, a batch {wait}"


async def measure_image(store: Store) -> str:
    """Put an image, commit it (which reads it back), and read it."""
    run = run_key("image")
    await store.open_run(run, "0" * 64)
    start = time.perf_counter()
    for number in range(chunk_count(len(IMAGE))):
        await store.put_chunk(run, number, memoryview(IMAGE)[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES])
    put = time.perf_counter()
    await store.commit(run, record())
    committed = time.perf_counter()
    size = sum([len(chunk) async for chunk in store.read_image(run)])
    read = time.perf_counter()
    await store.forget(run)
    megabytes = size / 1e6
    steps = {"put": put - start, "commit": committed - put, "read": read - committed}
    return f"image of {megabytes:.0f} MB: " + ", ".join(
        f"{step} {seconds:.2f} s ({megabytes / seconds:.0f} MB/s)" for step, seconds in steps.items()
    )


def record() -> ResultRecord:
    """IMAGE's record."""
    digest = hashlib.sha256(IMAGE).hexdigest()
    return ResultRecord(
        sha256=digest,
        pixels_sha256=digest,
        bytes=len(IMAGE),
        chunks=chunk_count(len(IMAGE)),
        chunk_bytes=CHUNK_BYTES,
        attempt=1,
        width=1,
        height=1,
        seconds=0.0,
        max_iterations=1,
        picture_version=1,
    )


async def measure(name: str, address: str) -> None:
    """Print a store's figures."""
    store = store_at(address)
    print(f"{name} store")
    for size, batches in BATCHES.items():
        print("  " + await measure_tiles(store, size, batches))
    print("  " + await measure_image(store))
    await store.close()


def main(folder: str = ".") -> None:
    """Measure both stores on the disk of `folder`."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(dir=folder, prefix="stores-") as place:
        path = Path(place).resolve()
        asyncio.run(measure("file", f"file://{path / 'files'}"))
        with RedisServer(path / "redis") as server:
            asyncio.run(measure("Redis", server.url))


if __name__ == "__main__":
    main(*sys.argv[1:])

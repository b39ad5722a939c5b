"""SIGKILL at random moments: what was acknowledged is there, and a result is there whole or not at all.

With the file store the writing process is killed, with Redis the server (as a pod is), while the writer waits for it.
FRACTAL_SEED repeats the moments of an earlier run.
"""

import os
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final, Self

import pytest
from support.checkout import ROOT
from support.pictures import IMAGE, SPEC, read_image, run_key, tile
from support.stores import Backend, FileBackend, RedisBackend, connected
from support.tile_writer import BATCH

KILLS: Final = 8
BATCHES: Final = 400
ENDLESS: Final = 100 * BATCHES
"""Far more than are written before the last kill, however long the reader is kept from reading."""


@pytest.fixture
def moments() -> random.Random:
    seed = os.environ.get("FRACTAL_SEED", secrets.token_hex(4))
    print(f"FRACTAL_SEED={seed}")
    return random.Random(seed)  # noqa: S311 - reproducible moments


class Writer:
    """A tile_writer process, and what it has said; as a context it is killed at the end."""

    def __init__(self, backend: Backend, *task: str) -> None:
        paths = [str(ROOT / part) for part in ("crds", "kernel", "tests")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.tile_writer", backend.address, *task],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def lines(self) -> Iterator[list[str]]:
        assert self.process.stdout is not None
        return (line.split() for line in self.process.stdout)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def sleep_up_to(seconds: float, moments: random.Random) -> None:
    """Not a wait for anything: the moment is to be a random one."""
    time.sleep(moments.uniform(0, seconds))


@pytest.fixture
def acknowledged() -> set[int]:
    return set()


def read_acknowledgements(writer: Writer, count: int, into: set[int]) -> None:
    """Wait for `count` batches more, or for the end."""
    for words in writer.lines():
        into |= {int(index) for index in words[1:]}
        count -= 1
        if count <= 0:
            return


async def assert_all_there(backend: Backend, acknowledged: set[int]) -> None:
    async with connected(backend) as store:
        stored = await store.open_run(run_key(), SPEC)
        assert acknowledged <= stored.acknowledged
        for index in stored.acknowledged:
            assert (index, await store.get_tile(run_key(), index)) == tile(index)


async def test_a_killed_writer_loses_nothing_that_was_acknowledged(
    files: FileBackend, moments: random.Random, acknowledged: set[int]
) -> None:
    for _ in range(KILLS):
        with Writer(files, "tiles", str(ENDLESS)) as writer:
            read_acknowledgements(writer, moments.randint(1, BATCHES // KILLS // 2), acknowledged)
            sleep_up_to(0.003, moments)
            writer.process.kill()
            read_acknowledgements(writer, ENDLESS, acknowledged)  # what it said before it died
        await assert_all_there(files, acknowledged)
    assert KILLS * BATCH <= len(acknowledged) < ENDLESS * BATCH


async def test_a_killed_redis_loses_nothing_that_was_acknowledged(
    redis: RedisBackend, moments: random.Random, acknowledged: set[int]
) -> None:
    with Writer(redis, "tiles", str(BATCHES)) as writer:
        for _ in range(KILLS):
            read_acknowledgements(writer, moments.randint(1, BATCHES // KILLS // 2), acknowledged)
            sleep_up_to(0.003, moments)
            redis.server.kill()
            redis.server.start()
            await assert_all_there(redis, acknowledged)
        read_acknowledgements(writer, BATCHES + 1, acknowledged)
    assert acknowledged == set(range(BATCHES * BATCH))
    await assert_all_there(redis, acknowledged)


UIDS: Final = [f"run-{number}" for number in range(KILLS)]


async def assert_whole_or_absent(backend: Backend, uid: str) -> None:
    async with connected(backend) as store:
        stored = await store.open_run(run_key(uid=uid), SPEC)
        if stored.result is None:
            assert stored.acknowledged == {0, 1}
        else:
            assert await read_image(store, run_key(uid=uid)) == IMAGE


async def test_a_writer_killed_while_it_commits_leaves_the_tiles_or_the_picture(
    files: FileBackend, moments: random.Random
) -> None:
    for uid in UIDS:
        with Writer(files, "commit", uid) as writer:
            next(writer.lines())
            sleep_up_to(0.03, moments)
        await assert_whole_or_absent(files, uid)


async def test_a_redis_killed_during_a_commit_has_the_tiles_or_the_picture(
    redis: RedisBackend, moments: random.Random
) -> None:
    with Writer(redis, "commit", *UIDS) as writer:
        for words in writer.lines():
            if words[0] == "done":
                break
            if moments.random() < 0.7:  # a commit that was cut short is announced again
                sleep_up_to(0.03, moments)
                redis.server.kill()
                redis.server.start()
                await assert_whole_or_absent(redis, words[1])
    async with connected(redis) as store:
        for uid in UIDS:
            assert await read_image(store, run_key(uid=uid)) == IMAGE

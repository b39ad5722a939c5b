"""One suite for both stores: every test that takes `backend` or `store` runs on each."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.stores import Backend, FileBackend, RedisBackend, connected, redis_backend

from fractal_kernel.store.interface import Store


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: the path of a Unix socket has at most 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="store-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def redis(folder: Path) -> Iterator[RedisBackend]:
    with redis_backend(folder) as backend:
        yield backend


@pytest.fixture
def files(folder: Path) -> FileBackend:
    return FileBackend(folder)


@pytest.fixture(params=["files", "redis"])
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
async def store(backend: Backend) -> AsyncIterator[Store]:
    async with connected(backend) as opened:
        yield opened

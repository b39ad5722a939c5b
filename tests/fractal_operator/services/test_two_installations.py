"""Two installations on one real Redis: what one forgets or sweeps is never the other's, even with uids in common.

Stands in for the API server: the census, which is told what jobs there are.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from support.operator_jobs import RECORD
from support.redis_server import RedisServer

from fractal_api.storage import Keys
from fractal_operator.adapters.results import ResultStore
from fractal_operator.adapters.store_link import StoreLink
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import Job, read_job
from fractal_operator.services.jobs.census import Listed
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.sweeps import Sweeps

INSTALLS = ("art", "art-two", "ar")
UIDS = ("shared", "only-here")


class Census:
    """The jobs of one installation's cluster."""

    def __init__(self, *jobs: Job) -> None:
        self.listed = Listed(jobs={job.uid: job for job in jobs}, version="1")

    async def jobs(self) -> Listed:
        return self.listed


class Losses:
    """What complete jobs were told."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def lose(self, uid: str, loss: s.LoseResult) -> None:
        del loss
        self.lost.append(uid)


def complete_job(uid: str) -> Job:
    """A job whose picture is stored, as its status says."""
    conditions = [{"type": kind, "status": "True"} for kind in ("Complete", "ResultAvailable")]
    result = {"sha256": "0" * 64, "pixelsSha256": "0" * 64, "bytes": 5, "width": 1, "height": 1, "seconds": 1}
    status = {"conditions": conditions, "attempts": 1, "result": result}
    metadata = {"namespace": "art", "name": uid, "uid": uid, "resourceVersion": "1"}
    return read_job({"metadata": metadata, "spec": {"fractal": {"type": "Mandelbrot"}}, "status": status})


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def link(redis_server: RedisServer) -> AsyncIterator[StoreLink]:
    """The way of an operator that Redis would let do anything."""
    with redis_server.client() as client:
        client.flushall()
        for install in INSTALLS:
            for uid in UIDS:
                _fill(redis_server, Keys(install=install, uid=uid))
        client.rpush("mpi_jobs", "a task of the earlier system")
    found = StoreLink(redis_server.url)
    yield found
    await found.close()


def _fill(server: RedisServer, keys: Keys) -> None:
    with server.client() as client:
        for key in (keys.tiles, keys.run, keys.live):
            client.hset(key, "0", b"x")
        client.set(keys.chunk(1, 0), b"chunk", ex=3600)
        client.set(keys.result, RECORD.to_json(), ex=3600)


def _contents(server: RedisServer, but: str) -> dict[bytes, bytes]:
    """Everything that is not of that installation, as Redis dumps it."""
    with server.client() as client:
        keys = [key for key in client.keys("*") if not key.startswith(f"fj:{but}:".encode())]
        return {key: client.dump(key) for key in keys}


def _sweeps(link: StoreLink, install: str, losses: Losses, *jobs: Job) -> Sweeps:
    return Sweeps(Census(*jobs), ResultStore(link, install), losses, Clock(), every_s=3600)  # type: ignore[arg-type]


@pytest.mark.parametrize("install", INSTALLS)
async def test_a_sweep_removes_what_is_nobody_s_of_its_own_only(
    redis_server: RedisServer, link: StoreLink, install: str
) -> None:
    others, losses = _contents(redis_server, install), Losses()
    await _sweeps(link, install, losses, complete_job("shared")).sweep()
    kept = ResultStore(link, install)
    assert set((await kept.take_inventory()).keys) == {"shared"}
    assert _contents(redis_server, install) == others
    assert losses.lost == []


async def test_both_sweep_at_the_same_time(link: StoreLink) -> None:
    losses = Losses()
    await asyncio.gather(
        _sweeps(link, "art", losses, complete_job("shared")).sweep(),
        _sweeps(link, "art-two", losses, complete_job("only-here")).sweep(),
    )
    left = [set((await ResultStore(link, install).take_inventory()).keys) for install in INSTALLS]
    assert left == [{"shared"}, {"only-here"}, set(UIDS)]
    assert losses.lost == []


async def test_what_one_forgets_the_other_has(redis_server: RedisServer, link: StoreLink) -> None:
    others = _contents(redis_server, "art")
    await ResultStore(link, "art").forget("shared", attempts=5)
    assert _contents(redis_server, "art") == others
    assert await ResultStore(link, "art").record("shared") is None
    assert await ResultStore(link, "art-two").record("shared") == RECORD


async def test_a_picture_of_the_other_does_not_stand_for_a_lost_one(link: StoreLink) -> None:
    await ResultStore(link, "art").forget("shared", attempts=1)
    losses = Losses()
    await _sweeps(link, "art", losses, complete_job("shared"), complete_job("only-here")).sweep()
    await _sweeps(link, "art-two", losses, complete_job("shared"), complete_job("only-here")).sweep()
    assert losses.lost == ["shared"]

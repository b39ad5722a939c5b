"""Reading, finding and unlinking in a real Redis, as the user that the installation makes for the operator."""

from collections.abc import AsyncIterator, Iterator

import pytest
from support.operator_jobs import RECORD
from support.redis_server import RedisServer

from fractal_api.storage import Keys
from fractal_operator.adapters.results import ResultStore
from fractal_operator.adapters.store_link import StoreAway, StoreLink
from fractal_operator.builders.store_secrets import StoreUser, build_acl

INSTALL = "mine"
PASSWORDS = {user: f"password-of-{user}" for user in StoreUser}
A, B = Keys(install=INSTALL, uid="uid-a"), Keys(install=INSTALL, uid="uid-b")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder = tmp_path_factory.mktemp("redis")
    with RedisServer(folder) as server:
        with server.client() as client:
            for line in build_acl(INSTALL, PASSWORDS).splitlines():
                _, name, *rules = line.split()
                if name != "default":
                    client.execute_command("ACL", "SETUSER", name, *rules)
        yield server


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    with redis_server.client() as client:
        client.flushall()
    return redis_server


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[ResultStore]:
    link = StoreLink(server.url_for("operator", PASSWORDS[StoreUser.OPERATOR]), timeout_s=1.0)
    yield ResultStore(link, INSTALL)
    await link.close()


def fill(server: RedisServer, keys: Keys, *, chunks: int = 3, attempts: int = 1, result: bool = True) -> None:
    with server.client() as client:
        client.hset(keys.tiles, "0", b"tile")
        client.hset(keys.run, "attempt", attempts)
        client.hset(keys.live, "percent", 50)
        for attempt in range(1, attempts + 1):
            for key in keys.chunks(attempt, chunks):
                client.set(key, b"chunk")
        if result:
            client.set(keys.result, RECORD.to_json())


def names(server: RedisServer) -> set[str]:
    with server.client() as client:
        return {key.decode() for key in client.keys("*")}


async def test_a_record_is_read(store: ResultStore, server: RedisServer) -> None:
    assert await store.record("uid-a") is None
    fill(server, A)
    assert await store.record("uid-a") == RECORD


async def test_what_is_no_record_counts_as_none(store: ResultStore, server: RedisServer) -> None:
    with server.client() as client:
        client.set(A.result, "garbage")
    assert await store.record("uid-a") is None


async def test_all_of_a_job_goes_and_nothing_of_another(store: ResultStore, server: RedisServer) -> None:
    fill(server, A, chunks=150, attempts=3)
    fill(server, B)
    kept = {key for key in names(server) if "uid-b" in key}
    await store.forget("uid-a", attempts=3)
    assert names(server) == kept


async def test_the_inventory_has_our_keys_and_nobody_else_s(store: ResultStore, server: RedisServer) -> None:
    fill(server, A)
    fill(server, B, result=False)
    fill(server, Keys(install="mine-too", uid="uid-c"))
    with server.client() as client:
        client.rpush("mpi_jobs", "job")
        client.set(f"fj:{INSTALL}:strange", "x")
    found = await store.take_inventory()
    assert set(found.keys) == {"uid-a", "uid-b"}
    assert set(found.keys["uid-a"]) == {A.tiles, A.run, A.live, A.result, *A.chunks(1, 3)}
    assert found.results == {"uid-a"}


async def test_a_large_inventory_is_complete(store: ResultStore, server: RedisServer) -> None:
    with server.client() as client, client.pipeline() as pipe:
        for number in range(5000):
            pipe.set(Keys(install=INSTALL, uid=f"uid-{number}").result, "x")
        pipe.execute()
    assert len((await store.take_inventory()).results) == 5000


async def test_a_store_that_does_not_answer_is_away(store: ResultStore, server: RedisServer) -> None:
    await store.record("uid-a")
    server.pause()
    try:
        with pytest.raises(StoreAway, match="did not answer within 1 s"):
            await store.record("uid-a")
    finally:
        server.resume()

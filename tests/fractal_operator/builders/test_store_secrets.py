"""The store's users, tried on a real Redis that runs with the ACL file that is built here."""

from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError
from support.redis_server import RedisServer
from support.stores import STORE_COMMANDS

from fractal_operator.builders.store_secrets import (
    StoreUser,
    build_acl,
    build_gateway_secret,
    build_store_secret,
)

PASSWORDS = {user: f"password-of-{user}" for user in StoreUser}
OURS, OTHERS = "fj:mine:{uid}:result", "fj:other:{uid}:result"

ADMIN = "user admin on nopass ~* &* +@all\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder = tmp_path_factory.mktemp("r")
    acl = folder / "users.acl"
    acl.write_text(build_acl("mine", PASSWORDS) + ADMIN)
    with RedisServer(folder, aclfile=str(acl)) as server:
        yield server


def as_user(store: RedisServer, user: StoreUser) -> redis.Redis:
    return redis.Redis.from_url(store.url_for(user, PASSWORDS[user]))


def allowed(store: RedisServer, user: str, *command: str) -> bool:
    """Whether Redis would let the user do it; nothing is done."""
    admin = redis.Redis.from_url(store.url_for("admin", "any"))
    answer = admin.execute_command("ACL", "DRYRUN", user, *command)
    return answer in {b"OK", "OK"}


def test_the_world_may_do_what_a_store_needs_with_its_own_keys_only(store: RedisServer) -> None:
    with as_user(store, StoreUser.WORLD) as client:
        client.set(OURS, "x", ex=10)
        assert client.get(OURS) == b"x"
        with client.pipeline(transaction=True) as pipe:
            pipe.watch(OURS)
            pipe.multi()
            pipe.hset("fj:mine:{uid}:tiles", "1", "t")
            pipe.expire("fj:mine:{uid}:tiles", 10)
            pipe.execute()
        assert client.hgetall("fj:mine:{uid}:tiles") == {b"1": b"t"}
        with pytest.raises(NoPermissionError):
            client.get(OTHERS)
        with pytest.raises(NoPermissionError):
            client.scan()
        with pytest.raises(NoPermissionError):
            client.keys("*")


def test_the_world_has_the_commands_of_the_store_and_no_others() -> None:
    (line,) = [line for line in build_acl("mine", PASSWORDS).splitlines() if line.startswith("user world ")]
    granted = {word.removeprefix("+") for word in line.split() if word.startswith("+")}
    assert granted == set(STORE_COMMANDS)


@pytest.mark.parametrize(
    ("user", "command", "may"),
    [
        ("operator", ("SCAN", "0"), True),
        ("operator", ("GET", OURS), True),
        ("operator", ("UNLINK", OURS), True),
        ("operator", ("SET", OURS, "x"), False),
        ("operator", ("GET", OTHERS), False),
        ("operator", ("UNLINK", "mpi_jobs"), False),
        ("gateway", ("GET", OURS), True),
        ("gateway", ("HGETALL", "fj:mine:{uid}:live"), True),
        ("gateway", ("EXPIRE", OURS, "60"), True),
        ("gateway", ("SET", OURS, "x"), False),
        ("gateway", ("UNLINK", OURS), False),
        ("gateway", ("SCAN", "0"), False),
        ("gateway", ("LRANGE", "mpi_jobs", "0", "-1"), False),
        ("bridge", ("LPOP", "mpi_jobs"), True),
        ("bridge", ("LMOVE", "pending_tasks", "running_tasks", "LEFT", "RIGHT"), True),
        ("bridge", ("RPUSH", "mpi_jobs:dead", "x"), True),
        ("bridge", ("GET", OURS), False),
        ("default", ("RPUSH", "mpi_jobs", "x"), True),
        ("default", ("LPUSH", "pending_tasks", "x"), True),
        ("default", ("LRANGE", "completed_tasks", "0", "-1"), True),
        ("default", ("HSET", "completed_tasks", "f", "x"), True),
        ("default", ("HGETALL", "completed_tasks"), True),
        ("default", ("LRANGE", "mpi_jobs:dead", "0", "-1"), True),
        ("default", ("HELLO", "3"), True),
        ("default", ("CLIENT", "SETNAME", "x"), True),
        ("default", ("CLIENT", "KILL", "ID", "1"), False),
        ("default", ("HGETALL", OURS), False),
        ("default", ("DEL", OURS), False),
        ("default", ("EVAL", "return 1", "0"), False),
        ("default", ("SUBSCRIBE", "x"), False),
        ("default", ("RENAME", "mpi_jobs", "pending_tasks"), False),
        ("default", ("BLPOP", "mpi_jobs", "0"), False),
        ("default", ("RPUSH", "anything_else", "x"), False),
        ("default", ("GET", OURS), False),
        ("default", ("KEYS", "*"), False),
        ("default", ("SCAN", "0"), False),
        ("default", ("FLUSHALL",), False),
        ("default", ("CONFIG", "GET", "*"), False),
        ("default", ("ACL", "LIST"), False),
    ],
)
def test_each_user_may_do_its_part(store: RedisServer, user: str, command: tuple[str, ...], may: bool) -> None:
    assert allowed(store, user, *command) is may


def test_whoever_still_speaks_the_old_lists_needs_no_password(store: RedisServer) -> None:
    with store.client() as client:
        client.rpush("mpi_jobs", "{}")
        assert client.lpop("mpi_jobs") == b"{}"
        assert client.ping()


@pytest.mark.parametrize("user", StoreUser)
def test_every_user_logs_in_with_its_password_and_no_other(store: RedisServer, user: StoreUser) -> None:
    with as_user(store, user) as client:
        assert client.ping()
    with redis.Redis.from_url(store.url_for(user, "another")) as client, pytest.raises(AuthenticationError):
        client.ping()


def test_the_acl_file_holds_no_password() -> None:
    acl = build_acl("mine", PASSWORDS)
    assert not any(password in acl for password in PASSWORDS.values())


def test_the_secrets_hold_what_their_readers_mount() -> None:
    store = build_store_secret("mine", PASSWORDS)
    assert store["metadata"]["name"] == "fractal-store"
    assert set(store["stringData"]) == {
        "users.acl",
        "world-password",
        "operator-password",
        "gateway-password",
        "bridge-password",
    }
    assert store["stringData"]["users.acl"] == build_acl("mine", PASSWORDS)
    assert build_gateway_secret("x")["stringData"] == {"gateway-password": "x"}


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_caller_of_the_earlier_system_needs_no_user(store: RedisServer, protocol: int) -> None:
    with redis.Redis.from_url(store.url, protocol=protocol) as client:
        client.rpush("pending_tasks", "task")
        assert client.lrange("pending_tasks", 0, -1) == [b"task"]
        client.hset("completed_tasks", "task", "picture")
        assert client.hexists("completed_tasks", "task")
        assert client.hgetall("completed_tasks") == {b"task": b"picture"}
        with client.pipeline() as pipe:
            pipe.lpop("pending_tasks")
            pipe.hdel("completed_tasks", "task")
            assert pipe.execute() == [b"task", 1]

"""The way to the store as the operator goes it: with a password that may be another one tomorrow."""

from pathlib import Path

import pytest
import redis
from support.redis_server import RedisServer

from fractal_operator.adapters.store_link import CurrentPassword, StoreAway, StoreLink


async def test_a_new_connection_asks_for_the_password_of_now(tmp_path: Path) -> None:
    passwords = ["old"]

    async def ask() -> str:
        return passwords[-1]

    with RedisServer(tmp_path) as server, redis.Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", "operator", "on", ">old", "~*", "+@all")
        link = StoreLink(server.url, credentials=CurrentPassword("operator", ask))
        async with link.talk() as client:
            assert await client.execute_command("ACL", "WHOAMI") == b"operator"

        admin.execute_command("ACL", "SETUSER", "operator", "resetpass", ">new")
        admin.execute_command("CLIENT", "KILL", "USER", "operator")
        with pytest.raises(StoreAway, match="refuses this user"):
            async with link.talk() as client:
                await client.execute_command("ACL", "WHOAMI")
        passwords.append("new")
        async with link.talk() as client:
            assert await client.execute_command("ACL", "WHOAMI") == b"operator"
        await link.close()

"""The gateway's own user of the store: what it may do is enough, and its password may change while the gateway runs."""

import asyncio
import secrets
from pathlib import Path

import pytest
from support.gateway_stage import INSTALL, Stage
from support.redis_server import RedisServer

from fractal_operator.adapters.images import Images
from fractal_operator.adapters.live import Live
from fractal_operator.adapters.store_link import StoreAway, StoredPassword, StoreLink
from fractal_operator.builders.store_secrets import StoreUser, build_acl
from fractal_operator.core.settings import GatewaySettings
from fractal_operator.gateway.process import store_link

PASSWORDS = {user: secrets.token_hex(16) for user in StoreUser}


@pytest.fixture
def password_file(stage: Stage, tmp_path: Path) -> Path:
    """A file as the gateway's Secret mounts one; the server has the users of a new installation."""
    for line in build_acl(INSTALL, PASSWORDS).splitlines():
        _, name, *rules = line.split()
        if name == StoreUser.GATEWAY:
            stage.store.execute_command("ACL", "SETUSER", name, *rules)
    file = tmp_path / "gateway-password"
    file.write_text(PASSWORDS[StoreUser.GATEWAY] + "\n")
    return file


async def test_the_gateways_user_may_read_and_renew(
    stage: Stage, redis_server: RedisServer, password_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record = stage.complete_job("seahorse", b"picture")
    stage.live("seahorse")
    uid = stage.keys("seahorse").uid
    settings = GatewaySettings.from_environment(
        {"FRACTAL_STORE": redis_server.url, "FRACTAL_STORE_PASSWORD_FILE": str(password_file)}
    )
    link = store_link(settings)
    images = Images(link, INSTALL)
    assert await images.record(uid) == record
    await images.renew(uid, record, None)
    assert b"".join([part async for part in images.read(uid, record)]) == b"picture"
    assert await Live(link, INSTALL).figures(uid)
    with pytest.raises(StoreAway, match="refuses this user"):
        await Images(link, "other").record(uid)
    await link.close()
    assert caplog.records == []


async def test_a_password_that_changed_is_read_anew(
    stage: Stage, redis_server: RedisServer, password_file: Path
) -> None:
    record = stage.complete_job("seahorse", b"picture")
    uid = stage.keys("seahorse").uid
    link = StoreLink(redis_server.url, credentials=StoredPassword(StoreUser.GATEWAY, password_file))
    assert await Images(link, INSTALL).record(uid) == record
    stage.store.execute_command("ACL", "SETUSER", "gateway", "resetpass", ">another")
    stage.store.execute_command("CLIENT", "KILL", "USER", "gateway")
    with pytest.raises(StoreAway, match="refuses this user"):
        await Images(link, INSTALL).record(uid)
    await asyncio.to_thread(password_file.write_text, "another\n")
    assert await Images(link, INSTALL).record(uid) == record
    await link.close()

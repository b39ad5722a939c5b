"""An operator with other settings: how many jobs of a namespace may run, and how often the store is looked through."""

import secrets
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest
from support.product import Product
from support.product_lab import Client, Lab, measure, told

from fractal_api.storage import Keys
from fractal_operator.core import names

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SWEEP_S: Final = 2
LIMIT: Final = 1
TOLD_S: Final = 2.0


@pytest.fixture(scope="module")
def lasting() -> Iterator[ExitStack]:
    """What is ended after the last test of this module."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def done() -> list[str]:
    """Whether the operator was told already."""
    return []


@pytest.fixture(autouse=True)
def _told(installed: Product, lasting: ExitStack, done: list[str]) -> None:
    if not done:
        done.append("told")
        lasting.enter_context(told(installed, FRACTAL_SWEEP_SECONDS=str(SWEEP_S), FRACTAL_MAX_RUNNING=str(LIMIT)))


def test_a_namespace_has_no_more_running_jobs_than_it_may(lab: Lab, client: Client) -> None:
    worlds = {lab.world("a"), lab.world("b")}
    client.submit("first")
    client.until("first", "Running")
    client.submit("second", samples=1)
    measure(
        "the limit is told",
        lambda: client.condition("second", "Assigned").get("reason") == "NamespaceLimit",
        bound_s=TOLD_S,
    )
    assert f"may have {LIMIT}" in client.condition("second", "Assigned")["message"]
    assert client.condition("first", "Running")["status"] == "True", "one world of the two is free"
    assert all(lab.state(world, "Ready")["status"] == "True" for world in worlds)
    assert client.complete("first")["completionTime"] <= client.complete("second")["startTime"]


def test_what_is_stored_of_no_job_is_removed(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    client.submit("kept", world, samples=1)
    client.complete("kept")
    kept = lab.keys(uid_of(client, "kept"))
    uid = str(uuid.uuid4())
    keys = Keys(install=names.INSTALL, uid=uid)
    for key in (keys.result, keys.chunk(1, 0), keys.chunk(3, 7)):
        lab.store("world", "set", key, secrets.token_hex(100))
    for key in (keys.tiles, keys.live):
        lab.store("world", "hset", key, "1", "1")
    measure("all of it is removed", lambda: lab.keys(uid) == [], bound_s=2 * SWEEP_S)
    assert lab.keys(uid_of(client, "kept")) == kept


@pytest.mark.parametrize("part", ["all of it", "the image, but not its record"])
def test_a_picture_that_is_gone_is_told_of_and_its_job_stays_complete(lab: Lab, client: Client, part: str) -> None:
    world = lab.world("a")
    uid = client.submit("faded", world, samples=1)
    client.complete("faded")
    assert client.condition("faded", "ResultAvailable")["status"] == "True"
    gone = [key for key in lab.keys(uid) if part == "all of it" or ":img:" in key]
    lab.store("operator", "unlink", *gone)
    measure(
        "the loss is told",
        lambda: client.condition("faded", "ResultAvailable")["status"] == "False",
        bound_s=2 * SWEEP_S,
    )
    assert client.condition("faded", "ResultAvailable")["reason"] == "ResultLost"
    assert client.condition("faded", "Complete")["status"] == "True"
    assert client.status("faded")["phase"] == "Complete"


def test_the_store_lets_no_world_write_for_another_installation(lab: Lab) -> None:
    keys = Keys(install="somebody-elses", uid=str(uuid.uuid4()))
    assert "NOPERM" in lab.store("world", "set", keys.result, "1")
    assert "NOPERM" in lab.store("operator", "unlink", keys.result)


def uid_of(client: Client, name: str) -> str:
    job = client.find(name)
    assert job is not None
    return str(job["metadata"]["uid"])

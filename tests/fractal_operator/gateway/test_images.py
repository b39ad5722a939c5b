"""The picture of a job: served whole and proved, or a status that says why not."""

import asyncio
import dataclasses
import os

import httpx
import pytest
from support.gateway_stage import INSTALL, Stage, complete, condition, failed, running
from support.redis_server import RedisServer

from fractal_api.storage import CHUNK_BYTES, IMAGE_EXPIRY_S
from fractal_operator.adapters.images import Images
from fractal_operator.adapters.store_link import StoreLink
from fractal_operator.gateway.apps import door
from fractal_operator.gateway.gate import LoopbackGate
from fractal_operator.gateway.rooms import Rooms

URL = "/v1/namespaces/art/jobs/seahorse/image"
LARGE = os.urandom(2 * CHUNK_BYTES + 12_345)


async def test_a_complete_jobs_picture_comes_with_all_that_a_browser_wants(
    local: httpx.AsyncClient, stage: Stage
) -> None:
    record = stage.complete_job("seahorse", LARGE)
    answer = await local.get(URL)
    assert answer.status_code == 200
    assert answer.content == LARGE
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(LARGE))
    assert answer.headers["etag"] == f'"{record.sha256}"'
    assert answer.headers["content-disposition"] == 'inline; filename="seahorse.png"'
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_who_has_the_picture_gets_no_bytes(local: httpx.AsyncClient, stage: Stage) -> None:
    record = stage.complete_job("seahorse", LARGE)
    for tags in (f'"{record.sha256}"', f'"other", W/"{record.sha256}"', "*"):
        answer = await local.get(URL, headers={"If-None-Match": tags})
        assert (answer.status_code, answer.content) == (304, b"")
    assert (await local.get(URL, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_head_alone_can_be_asked_for(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.complete_job("seahorse", LARGE)
    answer = await local.head(URL)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(LARGE))


async def test_reading_lets_the_pictures_life_begin_anew(local: httpx.AsyncClient, stage: Stage) -> None:
    record = stage.complete_job("seahorse", LARGE)
    await local.get(URL)
    keys = stage.keys("seahorse")
    for key in (keys.result, *keys.chunks(1, record.chunks)):
        assert stage.store.ttl(key) == pytest.approx(IMAGE_EXPIRY_S, abs=10)


async def test_a_life_is_never_longer_than_the_job_says(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.complete_job("seahorse", LARGE)
    stage.cluster.put("seahorse", spec={"fractal": {}, "execution": {"ttlSecondsAfterFinished": 600}})
    await local.get(URL)
    assert stage.store.ttl(stage.keys("seahorse").result) == pytest.approx(600, abs=10)


async def test_a_picture_is_served_before_the_status_says_that_it_is_there(
    local: httpx.AsyncClient, stage: Stage
) -> None:
    stage.cluster.put("seahorse", status=running())
    stage.picture("seahorse", LARGE)
    assert (await local.get(URL)).content == LARGE


async def test_while_it_renders_the_answer_says_how_far_it_is(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=running())
    stage.live("seahorse")
    answer = await local.get(URL)
    assert answer.status_code == 202
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json() == {
        "message": "FractalJob art/seahorse is being rendered by ds-clmpi1",
        "phase": "Running",
        "assignedTo": "ds-clmpi1",
        "progress": {"percent": 62, "tilesDone": 150, "tilesTotal": 240, "etaSeconds": 5},
    }


async def test_a_waiting_job_says_what_it_waits_for(local: httpx.AsyncClient, stage: Stage) -> None:
    waits = condition("Assigned", status="False", reason="Queued", message="every world is taken")
    stage.cluster.put("seahorse", status={"phase": "Pending", "conditions": [waits]})
    answer = await local.get(URL)
    assert answer.status_code == 202
    assert answer.json()["message"] == "FractalJob art/seahorse waits for a world: every world is taken"
    stage.cluster.put("seahorse", status={"phase": "Suspended"})
    assert (await local.get(URL)).json()["message"] == "FractalJob art/seahorse is suspended"
    stage.cluster.put("seahorse", status={})
    assert (await local.get(URL)).json()["phase"] == "Pending"


async def test_a_failed_job_says_why(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=failed())
    answer = await local.get(URL)
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "JobFailed",
        "reason": "BackoffLimitExceeded",
        "message": "FractalJob art/seahorse failed: the world died three times",
    }


async def test_an_expired_picture_is_gone(local: httpx.AsyncClient, stage: Stage) -> None:
    record = stage.complete_job("seahorse", LARGE)
    stage.store.flushall()
    expired = condition("ResultAvailable", status="False", reason="ResultExpired", message="nobody read it for a week")
    status = complete(record)
    status["conditions"] = [condition("Complete"), expired]
    stage.cluster.put("seahorse", status=status)
    answer = await local.get(URL)
    assert answer.status_code == 410
    assert answer.json()["error"] == "ResultExpired"
    assert "nobody read it for a week" in answer.json()["message"]


@pytest.mark.parametrize("damage", ["no record", "no chunk", "short chunk", "foreign record", "other picture"])
async def test_a_picture_that_was_lost_is_gone(local: httpx.AsyncClient, stage: Stage, damage: str) -> None:
    stage.complete_job("seahorse", LARGE)
    keys = stage.keys("seahorse")
    match damage:
        case "no record":
            stage.store.unlink(keys.result)
        case "no chunk":
            stage.store.unlink(keys.chunk(1, 2))
        case "short chunk":
            stage.store.set(keys.chunk(1, 0), LARGE[:1000])
        case "foreign record":
            stage.store.set(keys.result, "{}")
        case "other picture":
            stage.picture("seahorse", b"another one")
    answer = await local.get(URL)
    assert answer.status_code == 410
    assert answer.json()["error"] == "ResultLost"
    assert stage.cluster.job("seahorse")["metadata"]["uid"] not in answer.text


async def test_a_small_picture_that_is_damaged_is_gone(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.complete_job("seahorse", b"small")
    stage.store.set(stage.keys("seahorse").chunk(1, 0), b"smell")
    assert (await local.get(URL)).status_code == 410


async def test_while_the_store_is_away_callers_are_told_to_come_again(
    local: httpx.AsyncClient, stage: Stage, redis_server: RedisServer
) -> None:
    stage.complete_job("seahorse", LARGE)
    redis_server.pause()
    try:
        answer = await local.get(URL)
    finally:
        redis_server.resume()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"] == "TryLater"
    assert "did not answer within 3 s" in answer.json()["message"]
    assert (await local.get(URL)).content == LARGE


async def test_a_store_that_refuses_us_is_away_and_its_answer_names_no_key(
    rooms: Rooms, stage: Stage, redis_server: RedisServer
) -> None:
    stage.complete_job("seahorse", LARGE)
    stage.store.acl_setuser("weak", enabled=True, passwords=["+pw"], keys=["other"], commands=["+@all"])
    link = StoreLink(redis_server.url_for("weak", "pw"))
    weak = dataclasses.replace(rooms, images=Images(link, INSTALL))
    transport = httpx.ASGITransport(door(weak, LoopbackGate()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get(URL)
    await link.close()
    assert answer.status_code == 503
    assert "refuses this user" in answer.json()["message"]
    assert "{" not in answer.json()["message"]


async def test_a_restart_of_the_store_between_two_parts_goes_unnoticed(
    rooms: Rooms, stage: Stage, redis_server: RedisServer
) -> None:
    record = stage.complete_job("seahorse", LARGE)
    found = b""
    async for part in rooms.images.read(stage.keys("seahorse").uid, record):
        found += part
        await asyncio.to_thread(redis_server.kill)
        await asyncio.to_thread(redis_server.start)
    assert found == LARGE


async def test_many_can_read_at_once(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.complete_job("seahorse", LARGE)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(local.get(URL) for _ in range(20)))
    assert all(answer.content == LARGE for answer in answers)

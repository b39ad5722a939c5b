"""What the gateway says of a job, and what it says when there is nothing to say."""

from typing import Any

import httpx
import pytest
from support.gateway_stage import Stage, complete, running

from fractal_operator.gateway.apps import door
from fractal_operator.gateway.gate import LoopbackGate
from fractal_operator.gateway.rooms import Rooms

URL = "/v1/namespaces/art/jobs/seahorse"


async def progress(client: httpx.AsyncClient) -> dict[str, object]:
    answer = await client.get(URL)
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()["status"]["progress"]
    return found


async def test_a_job_is_what_kubectl_shows_without_the_notes_of_its_writers(
    local: httpx.AsyncClient, stage: Stage
) -> None:
    made = stage.cluster.put("seahorse", status=running())
    answer = (await local.get(URL)).json()
    assert "managedFields" not in answer["metadata"]
    assert answer["status"] == made["status"]
    assert answer["spec"] == made["spec"]


async def test_live_figures_that_are_further_replace_the_statuses(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=running())
    stage.live("seahorse")
    assert await progress(local) == {"percent": 62, "tilesDone": 150, "tilesTotal": 240, "etaSeconds": 5}


async def test_live_figures_come_before_a_status_with_more_tiles_and_a_smaller_share(
    local: httpx.AsyncClient, stage: Stage
) -> None:
    stage.cluster.put("seahorse", status=running(percent=23, done=56))
    stage.live("seahorse", percent=32, tilesDone=43)
    assert (await progress(local))["percent"] == 32


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tilesDone": 90, "percent": 39}, id="behind"),
        pytest.param({"run": "somebody-else-1"}, id="of another job"),
        pytest.param({"percent": "many"}, id="not a number"),
        pytest.param({"percent": "nan"}, id="nan"),
    ],
)
async def test_other_live_figures_do_not(local: httpx.AsyncClient, stage: Stage, fields: dict[str, Any]) -> None:
    stage.cluster.put("seahorse", status=running())
    stage.live("seahorse", **fields)
    assert await progress(local) == running()["progress"]


async def test_figures_of_an_earlier_attempt_do_not_count(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=running(attempts=2))
    stage.live("seahorse")
    assert (await progress(local))["percent"] == 40


async def test_a_complete_job_stays_complete(local: httpx.AsyncClient, stage: Stage) -> None:
    record = stage.complete_job("seahorse", b"x")
    stage.live("seahorse")
    assert (await progress(local)) == complete(record)["progress"]


async def test_while_the_store_is_away_the_status_is_enough(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=running())
    stage.live("seahorse")
    stage.store.config_set("maxclients", 1)
    stage.store.client_kill_filter(_type="normal", skipme=True)
    try:
        assert (await progress(local))["percent"] == 40
    finally:
        stage.store.config_set("maxclients", 1000)


async def test_a_job_of_a_newer_version_can_be_looked_at(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status={**running(), "phase": "Dreaming", "dreams": 3})
    answer = (await local.get(URL)).json()
    assert answer["status"]["phase"] == "Dreaming"
    assert answer["status"]["progress"]["percent"] == 40


@pytest.mark.parametrize(
    ("path", "status", "error", "words"),
    [
        ("/v1/namespaces/art/jobs/nobody", 404, "NotFound", "there is no FractalJob art/nobody"),
        ("/v1/namespaces/art/jobs/nobody/image", 404, "NotFound", "there is no FractalJob art/nobody"),
        ("/v1/namespaces/art/jobs/nobody/logs", 404, "NotFound", "there is no FractalJob art/nobody"),
        ("/v1/namespaces/art/jobs/No_Body", 400, "BadRequest", "name must be the name of a FractalJob: lower"),
        ("/v1/namespaces/a.b/jobs/seahorse", 400, "BadRequest", "namespace must be the name of a namespace: at"),
        (
            "/v1/namespaces/art/jobs/seahorse/logs?follow=perhaps",
            400,
            "BadRequest",
            "follow must be true or false, not 'perhaps'",
        ),
        (
            "/v1/namespaces/art/jobs/seahorse/logs?format=xml",
            400,
            "BadRequest",
            "format must be text or json, not 'xml'",
        ),
        ("/v1/namespaces/art/jobs/..%2f..%2fsecrets", 404, "NotFound", "there is nothing here"),
        ("/somewhere", 404, "NotFound", "there is nothing here"),
        ("/", 404, "NotFound", "there is nothing here"),
        ("/docs", 404, "NotFound", "there is nothing here"),
        ("/openapi.json", 404, "NotFound", "there is nothing here"),
    ],
)
async def test_what_is_not_there_is_told_in_a_sentence(
    local: httpx.AsyncClient, path: str, status: int, error: str, words: str
) -> None:
    answer = await local.get(path)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["message"].startswith(words)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_jobs_are_read_here_and_not_written(local: httpx.AsyncClient, method: str) -> None:
    answer = await local.request(method, URL)
    assert answer.status_code == 405
    assert answer.json()["error"] == "MethodNotAllowed"
    assert method in answer.json()["message"]
    assert "GET" in answer.headers["allow"]


async def test_something_unexpected_shows_no_traceback(rooms: Rooms, stage: Stage) -> None:
    stage.cluster.put("seahorse")
    del stage.cluster.job("seahorse")["metadata"]["uid"]
    transport = httpx.ASGITransport(door(rooms, LoopbackGate()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get(URL)
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "message"}
    assert "uid" not in answer.text

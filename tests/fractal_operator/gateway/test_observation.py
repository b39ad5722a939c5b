"""Probes, series, and the lines of the gateway's own log."""

import logging

import httpx
import pytest
from support.gateway_stage import Stage, running

from fractal_operator.gateway.apps import observatory
from fractal_operator.gateway.rooms import Rooms

URL = "/v1/namespaces/art/jobs/seahorse"


async def test_probes_say_ok(watcher: httpx.AsyncClient) -> None:
    assert (await watcher.get("/healthz")).text == "ok\n"
    assert (await watcher.get("/readyz")).status_code == 200


async def test_a_gateway_that_ends_is_alive_and_not_ready(rooms: Rooms) -> None:
    transport = httpx.ASGITransport(observatory(rooms, lambda: True))
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503


async def test_jobs_are_not_shown_where_probes_are(watcher: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=running())
    assert (await watcher.get(URL)).status_code == 404


async def test_probes_are_not_shown_where_jobs_are(local: httpx.AsyncClient) -> None:
    assert (await local.get("/metrics")).status_code == 404


async def test_each_series_moves(local: httpx.AsyncClient, watcher: httpx.AsyncClient, stage: Stage) -> None:
    stage.complete_job("seahorse", b"picture")
    await local.get(f"{URL}/image")
    await local.get(f"{URL}/image")
    await local.get("/v1/namespaces/art/jobs/nobody")
    await local.get("/some/where")
    page = (await watcher.get("/metrics")).text.splitlines()
    image = "/v1/namespaces/{namespace}/jobs/{name}/image"
    job = "/v1/namespaces/{namespace}/jobs/{name}"
    assert f'fractal_gateway_requests_total{{method="GET",route="{image}",status="200"}} 2.0' in page
    assert f'fractal_gateway_requests_total{{method="GET",route="{job}",status="404"}} 1.0' in page
    assert 'fractal_gateway_requests_total{method="GET",route="unknown",status="404"} 1.0' in page
    assert f'fractal_gateway_request_seconds_count{{route="{image}"}} 2.0' in page
    assert "fractal_gateway_image_bytes_total 14.0" in page
    assert 'fractal_gateway_images_total{outcome="complete"} 2.0' in page
    assert "fractal_gateway_log_streams 0.0" in page


async def test_a_request_is_a_line_with_its_job_and_without_its_uid_or_token(
    local: httpx.AsyncClient, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="fractal_operator")
    stage.complete_job("seahorse", b"picture")
    stage.store.unlink(stage.keys("seahorse").chunk(1, 0))
    await local.get(f"{URL}/image", headers={"Authorization": "Bearer t-secret"})
    lines = [record for record in caplog.records if record.name.startswith("fractal_operator")]
    assert [getattr(line, "job", None) for line in lines] == ["art/seahorse", "art/seahorse"]
    assert lines[-1].getMessage().startswith("GET /v1/namespaces/{namespace}/jobs/{name}/image: 410, ")
    for line in lines:
        assert stage.cluster.job("seahorse")["metadata"]["uid"] not in line.getMessage()
        assert "t-secret" not in line.getMessage()

"""The agent's HTTP, with an agent behind it and fakes behind that."""

import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from support.agent_stage import Stage, living

from fractal_kernel.agent import notices as n
from fractal_kernel.agent.app import MAX_BODY, Site
from fractal_kernel.agent.bulletin import Bulletin
from fractal_kernel.agent.metrics import Metrics
from fractal_kernel.agent.phases import Phase
from fractal_kernel.store.interface import StoreAway, StoreUnsafe

MakeStage = Callable[..., Stage]
Client = TestClient[Request, Application]
SPEC: dict[str, Any] = {"fractal": {"type": "Mandelbrot"}, "image": {"width": 100, "height": 70, "blockSize": 32}}
OTHER: dict[str, Any] = {"fractal": {"type": "Mandelbrot", "zoom": "2"}}


@pytest.fixture
async def held(make_stage: MakeStage) -> AsyncIterator[Stage]:
    """A stage whose world renders only when it is told to."""
    stage = make_stage()
    stage.world.automatic = False
    async with living(stage):
        yield stage


@pytest.fixture
async def client(held: Stage) -> AsyncIterator[Client]:
    bulletin, metrics = Bulletin(), Metrics()
    held.onlookers += [bulletin, metrics]
    await held.until(lambda: held.agent.ready)
    site = Site(agent=held.agent, bulletin=bulletin, metrics=metrics, install="test", token=lambda: "secret")
    headers = {"Authorization": "Bearer secret"}
    async with TestClient(TestServer(site.app()), headers=headers) as made:
        yield made


async def put(client: Client, run: str, spec: object = SPEC, **more: object) -> tuple[int, Any]:
    async with client.put(f"/runs/{run}", json={"spec": spec, **more}) as answer:
        return answer.status, await answer.json()


async def ask(client: Client, method: str, path: str) -> tuple[int, Any]:
    async with client.request(method, path) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def test_a_run_is_put_seen_listed_and_complete(client: Client, held: Stage) -> None:
    status, run = await put(client, "a-1")
    assert (status, run["id"], run["tilesTotal"]) == (201, "a-1", 12)
    assert (await put(client, "a-1"))[0] == 200
    await held.until(lambda: bool(held.world.sent))
    held.world.render(held.world.last_run())
    await held.agent.ended_run("a-1")
    status, run = await ask(client, "GET", "/runs/a-1")
    assert (status, run["phase"], run["tilesDone"]) == (200, "Complete", 12)
    assert run["result"]["width"] == 100
    status, runs = await ask(client, "GET", "/runs")
    assert (status, runs["runs"]) == (200, [run])


async def test_a_third_run_is_refused_and_both_others_are_named(client: Client) -> None:
    await put(client, "a-1")
    await put(client, "b-1")
    status, problem = await put(client, "c-1")
    assert (status, problem["error"], problem["runs"]) == (409, "Taken", ["a-1", "b-1"])
    assert problem["message"] == "this agent has no place for another run: a-1 and b-1 are on"


async def test_an_id_is_not_taken_for_another_spec(client: Client) -> None:
    await put(client, "a-1")
    status, problem = await put(client, "a-1", OTHER)
    assert (status, problem["error"]) == (409, "OtherPicture")
    status, problem = await put(client, "a-2", OTHER)
    assert (status, problem["error"], problem["runs"]) == (409, "Taken", ["a-1"])


async def test_another_picture_under_a_uid_that_the_store_knows_is_a_conflict(client: Client) -> None:
    await put(client, "a-1")
    await ask(client, "DELETE", "/runs/a-1")
    status, problem = await put(client, "a-2", OTHER)
    assert (status, problem["error"]) == (409, "RunConflict")


async def test_a_deleted_run_is_cancelled_and_deleting_it_again_changes_nothing(client: Client) -> None:
    await put(client, "a-1")
    for _ in range(2):
        status, run = await ask(client, "DELETE", "/runs/a-1")
        assert (status, run["phase"]) == (200, Phase.CANCELLED)
    assert await ask(client, "DELETE", "/runs/unknown-1") == (204, None)


@pytest.mark.parametrize(
    ("run", "body", "message"),
    [
        pytest.param("a", {"spec": SPEC}, "the id of a run is <uid>-<attempt>", id="id without attempt"),
        pytest.param("a-0", {"spec": SPEC}, "the id of a run is <uid>-<attempt>", id="attempt 0"),
        pytest.param("a-1", {"spec": SPEC, "attempt": 2}, "attempt is 2, but the id says 1", id="another attempt"),
        pytest.param("a-1", {}, "spec: Field required", id="no spec"),
        pytest.param("a-1", {"spec": SPEC, "color": 1}, "color: Extra inputs are not permitted", id="unknown field"),
        pytest.param("a-1", [], "the body: should be an object", id="no object"),
        pytest.param("a-1", {"spec": {"fractal": {"type": "Sierpinski"}}}, "spec.fractal.type", id="bad type"),
        pytest.param(
            "a-1", {"spec": {"fractal": {"type": "Mandelbrot", "zoom": "1e300"}}}, "spec.fractal.zoom", id="too deep"
        ),
    ],
)
async def test_a_bad_request_is_told_in_a_sentence(client: Client, run: str, body: object, message: str) -> None:
    async with client.put(f"/runs/{run}", json=body) as answer:
        problem = await answer.json()
        assert answer.status == 400, problem
        assert message in problem["message"]
    assert (await ask(client, "GET", "/runs"))[1]["runs"] == []


async def test_a_body_that_is_no_json_or_too_long_is_refused(client: Client) -> None:
    async with client.put("/runs/a-1", data=b"{") as answer:
        assert answer.status == 400
        assert (await answer.json())["message"].startswith("the body: Invalid JSON")
    async with client.put("/runs/a-1", data=io.BytesIO(bytes(MAX_BODY + 1))) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"] == "RequestEntityTooLarge"


async def test_a_store_that_is_away_is_told_with_the_time_to_come_back(client: Client, held: Stage) -> None:
    def away(call: str) -> None:
        raise StoreAway(f"no answer to {call}")

    held.store.trouble = away
    async with client.put("/runs/a-1", json={"spec": SPEC}) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert (await answer.json())["error"] == "StoreAway"


async def test_a_store_that_must_not_be_used_is_nobodys_bad_request(client: Client, held: Stage) -> None:
    def unsafe(_: str) -> None:
        raise StoreUnsafe("appendfsync must be always")

    held.store.trouble = unsafe
    status, problem = await put(client, "a-1")
    assert (status, problem["error"], problem["message"]) == (500, "StoreUnsafe", "appendfsync must be always")


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", "Basic secret", "Bearer secrets", "Bearer s\u00e9cret"]
)
async def test_nothing_is_told_or_done_without_the_token(client: Client, method: str, authorization: str) -> None:
    async with client.request(method, "/runs/a-1", headers={"Authorization": authorization}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json())["error"] == "Unauthorized"


async def test_probes_and_metrics_need_no_token(client: Client, held: Stage) -> None:
    bare = {"Authorization": ""}
    async with client.get("/healthz", headers=bare) as answer:
        assert answer.status == 200
    async with client.get("/readyz", headers=bare) as answer:
        assert (answer.status, (await answer.json())["ready"]) == (200, True)
    held.world.deaf = True
    held.world.die()
    async with client.get("/readyz", headers=bare) as answer:
        told = await answer.json()
        assert (answer.status, told["ready"]) == (503, False)
        assert told["message"] == "WorldDied: mpirun ended by signal 9"
    async with client.get("/metrics", headers=bare) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"


async def test_metrics_count_what_happened(client: Client, held: Stage) -> None:
    await put(client, "a-1")
    await held.until(lambda: bool(held.world.sent))
    held.world.render(held.world.last_run(), [0, 1])
    await held.until(lambda: any(isinstance(told, n.Progressed) for told in held.notices))
    held.world.automatic = True
    held.world.die()
    await held.agent.ended_run("a-1")
    async with client.get("/metrics") as answer:
        lines = set((await answer.text()).splitlines())
    (seconds,) = [line for line in lines if line.startswith('fractal_agent_run_seconds_sum{phase="Complete"}')]
    assert float(seconds.split()[1]) > 0
    assert {
        'fractal_agent_runs_total{phase="Complete"} 1.0',
        'fractal_agent_run_seconds_count{phase="Complete"} 1.0',
        "fractal_agent_tiles_total 12.0",
        "fractal_agent_iterations_total 120.0",
        'fractal_agent_retries_total{reason="WorldDied"} 1.0',
        'fractal_agent_world_restarts_total{reason="WorldDied"} 1.0',
        "fractal_agent_spool_bytes 0.0",
        "fractal_agent_ready 1.0",
        "fractal_agent_ranks 1.0",
    } <= lines


async def test_an_unknown_path_is_told_as_json(client: Client) -> None:
    status, problem = await ask(client, "GET", "/nothing")
    assert (status, problem["error"]) == (404, "NotFound")
    status, problem = await ask(client, "GET", "/runs/unknown-1")
    assert (status, problem["error"]) == (404, "NotFound")

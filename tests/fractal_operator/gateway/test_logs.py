"""The lines of a world's log that are about one job, as they are there, and as they come."""

import asyncio
import json

import httpx
import pytest
from support.gateway_stage import WORLD, Stage, failed, running

from fractal_api import events as e
from fractal_operator.gateway.log_text import as_json, as_text, parse_line

URL = "/v1/namespaces/art/jobs/seahorse/logs"


@pytest.fixture
def run(stage: Stage) -> str:
    """The first run of a job that is being rendered."""
    job = stage.cluster.put("seahorse", status=running())
    return f"{job['metadata']['uid']}-1"


def started(run: str, done: int = 0) -> str:
    return e.encode(e.Started(run=run, epoch=1, tiles_done=done, tiles_total=240))


def completed(run: str) -> str:
    return e.encode(
        e.Completed(
            run=run,
            sha256="a" * 64,
            pixels_sha256="b" * 64,
            bytes=123_456,
            width=1280,
            height=720,
            seconds=3.25,
            max_iterations=2048,
        )
    )


def progress(run: str, percent: int) -> str:
    return e.encode(e.Progress(run=run, percent=percent, tiles_done=percent, tiles_total=100, eta_seconds=3.5))


async def test_only_lines_of_the_jobs_runs_are_shown(local: httpx.AsyncClient, stage: Stage, run: str) -> None:
    other = e.encode(e.Started(run="someone-1", epoch=1, tiles_done=0, tiles_total=1))
    world = e.encode(e.Ready(epoch=1, ranks=2, hosts=2))
    stage.cluster.log(WORLD, world, started(run), other, "mpirun: some warning", progress(run, 40))
    answer = await local.get(URL)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "2026-11-27T07:00:00.001Z [TASK] attempt 1: the world begins; 0 of 240 tiles were there already",
        "2026-11-27T07:00:00.004Z [STATUS] attempt 1: 40 %, 40 of 100 tiles, 3.5 s left",
    ]


async def test_programs_get_an_object_a_line(local: httpx.AsyncClient, stage: Stage, run: str) -> None:
    stage.cluster.log(WORLD, started(run), progress(run, 40))
    answer = await local.get(URL, params={"format": "json"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    first, second = map(json.loads, answer.text.splitlines())
    assert (first["event"], first["tag"], first["tilesTotal"]) == ("started", "[TASK]", 240)
    assert (second["time"], second["percent"]) == ("2026-11-27T07:00:00.001000000Z", 40)


async def test_a_job_that_was_never_assigned_has_no_lines(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status={"phase": "Pending"})
    answer = await local.get(URL)
    assert (answer.status_code, answer.text) == (200, "")


async def test_the_log_of_a_world_that_is_gone_is_gone(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=failed())
    answer = await local.get(URL)
    assert answer.status_code == 410
    assert answer.json()["error"] == "LogGone"
    assert "ds-clmpi1" in answer.json()["message"]


async def test_what_the_container_before_said_comes_first(local: httpx.AsyncClient, stage: Stage, run: str) -> None:
    stage.cluster.log(f"{WORLD} before", started(run))
    stage.cluster.log(WORLD, started(run, 96))
    lines = (await local.get(URL)).text.splitlines()
    assert [line.split("; ")[1] for line in lines] == [
        "0 of 240 tiles were there already",
        "96 of 240 tiles were there already",
    ]


async def test_a_log_that_does_not_reach_back_to_the_job_is_gone(local: httpx.AsyncClient, stage: Stage) -> None:
    stage.cluster.put("seahorse", status=failed())
    stage.cluster.log(WORLD, started("somebody-1"))
    answer = await local.get(URL)
    assert answer.status_code == 410
    assert answer.json()["message"] == "the log of the world ds-clmpi1 doesn't reach back to FractalJob art/seahorse"


async def test_following_goes_on_until_the_job_has_ended(local: httpx.AsyncClient, stage: Stage, run: str) -> None:
    stage.cluster.log(WORLD, started(run))
    following = asyncio.create_task(local.get(URL, params={"follow": "true"}))
    await asyncio.to_thread(stage.cluster.await_watch)
    stage.cluster.log(WORLD, progress(run, 40), completed(run))
    stage.cluster.put(
        "seahorse", status={**running(), "phase": "Complete", "conditions": [{"type": "Complete", "status": "True"}]}
    )
    async with asyncio.timeout(20):
        lines = (await following).text.splitlines()
    assert [line.split(" ")[1] for line in lines] == ["[TASK]", "[STATUS]", "[SUCCESS]"]
    assert "1,280×720 pixels, 123,456 bytes, 3.25 s" in lines[-1]


async def test_following_waits_for_a_world_and_moves_to_the_next(local: httpx.AsyncClient, stage: Stage) -> None:
    job = stage.cluster.put("seahorse", status={"phase": "Pending"})
    uid = job["metadata"]["uid"]
    following = asyncio.create_task(local.get(URL, params={"follow": "true"}))
    await asyncio.to_thread(stage.cluster.await_watch)
    stage.cluster.log("one", started(f"{uid}-1"), e.encode(e.Interrupted(run=f"{uid}-1", message="the agent ends")))
    stage.cluster.put("seahorse", status={**running(), "assignedTo": "one"})
    await asyncio.to_thread(stage.cluster.await_reader, "one")
    stage.cluster.expire_watches()
    stage.cluster.put("seahorse", status={"phase": "Pending", "attempts": 1})
    stage.cluster.log("two", started(f"{uid}-2", 96), completed(f"{uid}-2"))
    stage.cluster.put("seahorse", status={**running(attempts=2), "assignedTo": "two"})
    await asyncio.to_thread(stage.cluster.await_reader, "two")
    ended = {**running(attempts=2), "assignedTo": "two", "conditions": [{"type": "Complete", "status": "True"}]}
    stage.cluster.put("seahorse", status=ended)
    async with asyncio.timeout(20):
        lines = (await following).text.splitlines()
    assert [" ".join(line.split(" ")[1:4]) for line in lines] == [
        "[TASK] attempt 1:",
        "[STATUS] attempt 1:",
        "[TASK] attempt 2:",
        "[SUCCESS] attempt 2:",
    ]


async def test_following_ends_when_the_job_is_deleted(local: httpx.AsyncClient, stage: Stage, run: str) -> None:
    stage.cluster.log(WORLD, started(run))
    following = asyncio.create_task(local.get(URL, params={"follow": "true"}))
    await asyncio.to_thread(stage.cluster.await_watch)
    stage.cluster.delete("seahorse")
    async with asyncio.timeout(20):
        assert len((await following).text.splitlines()) == 1


RUN = "6e4b-9f-1"
EVENTS: list[e.RunEvent] = [
    e.Started(run=RUN, epoch=1, tiles_done=1, tiles_total=2),
    e.Surveyed(run=RUN, max_iterations=2048),
    e.Progress(run=RUN, percent=1, tiles_done=1, tiles_total=2),
    e.Retried(run=RUN, cause="hung", message="rank 3\nwas silent"),
    e.Backpressure(run=RUN, held_up=True),
    e.Backpressure(run=RUN, held_up=False),
    e.Rendered(run=RUN, seconds=1.5),
    e.Failed(run=RUN, reason="StoreAway", message="no store"),
    e.Cancelled(run=RUN),
    e.Cancelled(run=RUN, message="attempt 2 was begun already"),
    e.Interrupted(run=RUN, message="the agent ends"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_of_a_run_is_one_line_for_people_and_one_for_programs(event: e.RunEvent) -> None:
    raw = f"2026-11-27T07:00:00.123456789Z {e.encode(event)}".encode()  # type: ignore[arg-type] # all are events
    line = parse_line(raw, "6e4b-9f")
    assert line is not None
    text = as_text(line)
    assert text.startswith(f"2026-11-27T07:00:00.123Z {event.tag} attempt 1: ")
    assert "\n" not in text
    assert len(text.split(": ", 1)[1]) > 3
    assert json.loads(as_json(line))["event"] == event.name
    assert parse_line(raw, "6e4b") is None
    assert parse_line(raw, "") is None

"""Errands to the kernel's own agent, over HTTP; its world and store are fake. The rest is a small server's."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.agent_fakes import FakeStore
from support.agent_stage import Stage, living

from fractal_api.errors import FractalError
from fractal_kernel.agent.app import Site
from fractal_kernel.agent.bulletin import Bulletin
from fractal_kernel.agent.metrics import Metrics
from fractal_kernel.agent.surroundings import Limits
from fractal_kernel.store.interface import StoreAway, StoreCorrupt, StoreUnsafe
from fractal_operator.adapters.agents import AgentClient
from fractal_operator.core import answers as w
from fractal_operator.core.errands import build_put
from fractal_operator.core.failures import Failure, Fault
from fractal_operator.core.jobs import read_job
from fractal_operator.core.worlds import AgentRef

SPEC: dict[str, Any] = {"fractal": {"type": "Mandelbrot"}, "image": {"width": 100, "height": 70, "blockSize": 32}}


@pytest.fixture
async def client() -> AsyncIterator[AgentClient]:
    made = AgentClient(timeout_s=30)
    yield made
    await made.close()


@pytest.fixture
async def hasty() -> AsyncIterator[AgentClient]:
    made = AgentClient(timeout_s=0.5)
    yield made
    await made.close()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """An agent whose world renders only when it is told to."""
    made = Stage(tmp_path, FakeStore(), Limits(fruitless=2, store_s=5.0, start_s=5.0, flush_s=1.0))
    made.world.automatic = False
    async with living(made):
        await made.until(lambda: made.agent.ready)
        yield made


@pytest.fixture
async def agent(stage: Stage) -> AsyncIterator[AgentRef]:
    bulletin, metrics = Bulletin(), Metrics()
    stage.onlookers += [bulletin, metrics]
    site = Site(agent=stage.agent, bulletin=bulletin, metrics=metrics, install="test", token=lambda: "secret")
    async with serving(site.app()) as ref:
        yield ref


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[AgentRef]:
    async with TestServer(app) as server:
        yield AgentRef(url=str(server.make_url("")).rstrip("/"), token="secret", incarnation="pod")  # noqa: S106


def put(run: str, spec: dict[str, Any] = SPEC, **more: Any) -> w.Put:  # noqa: ANN401 - any field's
    return w.Put(run=run, attempt=int(run.rpartition("-")[2]), spec=spec, **more)


async def test_a_run_is_put_asked_after_listed_and_taken_back(client: AgentClient, agent: AgentRef) -> None:
    seen = await client.do(agent, put("a-1", ttl_s=60))
    assert isinstance(seen, w.RunSeen)
    assert (seen.run, seen.tiles_total) == ("a-1", 12)
    again = await client.do(agent, put("a-1"))
    assert isinstance(again, w.RunSeen)
    asked = await client.do(agent, w.Ask(run="a-1"))
    assert isinstance(asked, w.RunSeen)
    assert asked.phase in {w.Phase.QUEUED, w.Phase.RENDERING}
    listed = await client.do(agent, w.Inspect())
    assert isinstance(listed, w.RunsSeen)
    assert [run.run for run in listed.runs] == ["a-1"]
    cancelled = await client.do(agent, w.Cancel(run="a-1"))
    assert isinstance(cancelled, w.RunSeen)
    assert cancelled.phase is w.Phase.CANCELLED


async def test_a_run_that_the_agent_does_not_know_is_no_error(client: AgentClient, agent: AgentRef) -> None:
    assert await client.do(agent, w.Ask(run="a-1")) == w.NoSuchRun()
    assert await client.do(agent, w.Cancel(run="a-1")) == w.NoSuchRun()


async def test_a_full_agent_says_which_runs_it_has(client: AgentClient, agent: AgentRef) -> None:
    for run in ("a-1", "b-1"):
        await client.do(agent, put(run))
    assert await client.do(agent, put("c-1")) == w.Busy(runs=("a-1", "b-1"))


async def test_two_attempts_at_one_picture_are_never_on_together(client: AgentClient, agent: AgentRef) -> None:
    await client.do(agent, put("a-1"))
    assert await client.do(agent, put("a-2")) == w.Busy(runs=("a-1",))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"fractal": {"type": "Mandelbrot", "zoom": "1e30"}}, "spec.fractal.zoom must be at most"),
        ({"fractal": {"type": "Mandelbrot"}, "image": {"samples": 3}}, "spec.image.samples"),
        ({"fractal": {"type": "Nothing"}}, "spec.fractal.type"),
    ],
    ids=["too deep", "no square", "no such fractal"],
)
async def test_what_can_not_be_rendered_is_the_user_s_fault(
    client: AgentClient, agent: AgentRef, spec: dict[str, Any], words: str
) -> None:
    answer = await client.do(agent, put("a-1", spec))
    assert isinstance(answer, w.Refused)
    assert words in answer.message
    assert Failure(word=answer.word, message=answer.message).fault is Fault.USER


async def test_an_id_that_stands_for_another_picture_is_refused(client: AgentClient, agent: AgentRef) -> None:
    await client.do(agent, put("a-1"))
    answer = await client.do(agent, put("a-1", {"fractal": {"type": "Mandelbrot", "zoom": "2"}}))
    assert isinstance(answer, w.Refused)
    assert answer.word == "OtherPicture"


async def test_an_agent_without_its_store_asks_for_patience(client: AgentClient, agent: AgentRef, stage: Stage) -> None:
    def trouble(_: str) -> None:
        raise StoreAway("Redis does not answer")

    stage.store.trouble = trouble
    answer = await client.do(agent, put("a-1"))
    assert answer == w.Later(word="StoreAway", message="Redis does not answer", after_s=5)


@pytest.mark.parametrize("error", [StoreUnsafe, StoreCorrupt])
async def test_what_keeps_a_store_from_ever_taking_a_run_is_a_refusal(
    client: AgentClient, agent: AgentRef, stage: Stage, error: type[FractalError]
) -> None:
    def trouble(_: str) -> None:
        raise error("set appendfsync to always")

    stage.store.trouble = trouble
    answer = await client.do(agent, put("a-1"))
    assert answer == w.Refused(word=error.__name__, message="set appendfsync to always")
    assert Failure(word=answer.word, message="").fault is Fault.INFRASTRUCTURE


async def test_another_token_is_no_answer(client: AgentClient, agent: AgentRef) -> None:
    stranger = AgentRef(url=agent.url, token="other", incarnation="pod")  # noqa: S106
    assert await client.do(stranger, w.Inspect()) == w.Away(message="its agent refuses the operator's token")


async def test_what_is_put_is_the_picture_and_how_long_it_lives() -> None:
    job = read_job(
        {
            "metadata": {"namespace": "art", "name": "a", "uid": "u", "creationTimestamp": "2030-01-31T12:00:00Z"},
            "spec": SPEC | {"execution": {"ttlSecondsAfterFinished": 9, "priority": 3}},
            "status": {"attempts": 4},
        }
    )
    assert build_put(job) == w.Put(run="u-4", attempt=4, spec=SPEC, ttl_s=3600), (
        "the job must be seen to be complete first"
    )


@asynccontextmanager
async def saying(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[AgentRef]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with serving(app) as ref:
        yield ref


async def test_a_silent_agent_is_away_after_its_deadline(hasty: AgentClient) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b" ")
        return response

    async with saying(silent) as ref:
        answer = await hasty.do(ref, w.Ask(run="a-1"))
    assert answer == w.Away(message="its agent did not answer within 0.5 s")


async def test_nobody_at_the_address_is_away(client: AgentClient) -> None:
    ref = AgentRef(url="http://127.0.0.1:1", token="", incarnation="pod")
    answer = await client.do(ref, w.Inspect())
    assert isinstance(answer, w.Away)
    assert answer.message.startswith("its agent can't be reached")


async def test_a_token_does_not_follow_a_redirect(client: AgentClient) -> None:
    asked = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with saying(elsewhere) as ref:
        assert isinstance(await client.do(ref, w.Ask(run="a-1")), w.Away)
    assert asked == ["/runs/a-1"]


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, "<html>", w.Away),
        (200, json.dumps({"id": "a-1"}), w.Away),
        (200, json.dumps({"id": "a-1", "phase": "Sleeping"}), w.Away),
        (413, json.dumps({"error": "TooLarge", "message": "no"}), w.Refused),
        (500, json.dumps({"error": "Oops", "message": "no"}), w.Away),
        (502, "bad gateway", w.Away),
        (200, json.dumps({"id": "a-1", "phase": "Queued", "more": "x" * 2**20}), w.Away),
        (302, "", w.Away),
    ],
)
async def test_strange_answers_are_no_news(client: AgentClient, status: int, body: str, answer: type[w.Answer]) -> None:
    async def say(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    async with saying(say) as ref:
        assert isinstance(await client.do(ref, w.Ask(run="a-1")), answer)

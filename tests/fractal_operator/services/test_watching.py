"""One object, followed through its changes, its absence and the faults of the server."""

import contextlib

import pytest
from aiohttp import web
from support.operator_api_server import ApiServer

from fractal_operator.adapters.api import Api
from fractal_operator.services import watching
from fractal_operator.services.watching import states_of

PLACE = "/api/v1/namespaces"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_PAUSE_S", 0.01)


async def test_an_object_is_seen_as_it_is_changes_and_goes(api: Api, server: ApiServer) -> None:
    server.put(f"{PLACE}/a", {"spec": 1})
    server.put(f"{PLACE}/b", {"spec": 9})
    async with contextlib.aclosing(states_of(api, PLACE, "a")) as states:
        first = await anext(states)
        assert first is not None
        assert first["spec"] == 1
        server.put(f"{PLACE}/a", {"spec": 2})
        await server.tell()
        second = await anext(states)
        assert second is not None
        assert second["spec"] == 2
        server.remove(f"{PLACE}/a")
        await server.tell()
        assert await anext(states) is None


async def test_a_watch_that_breaks_is_begun_anew(api: Api, server: ApiServer) -> None:
    server.put(f"{PLACE}/a", {"spec": 1})
    broken = []

    async def break_once(request: web.Request) -> web.Response | None:
        if "watch" in request.query and not broken:
            broken.append(request)
            return web.Response(status=410)
        return None

    server.fault = break_once
    async with contextlib.aclosing(states_of(api, PLACE, "a")) as states:
        assert [(await anext(states) or {})["spec"] for _ in range(2)] == [1, 1]
    assert broken

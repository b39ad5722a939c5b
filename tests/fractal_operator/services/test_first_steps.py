"""What a new installation gets, on a server of the test's own."""

import asyncio
import base64

import pytest
from aiohttp import web
from support.operator_api_server import ApiServer, refusal

from fractal_api.errors import PermanentError
from fractal_operator.adapters.api import Api
from fractal_operator.builders.store_secrets import StoreUser
from fractal_operator.core import names, paths
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.services import first_steps
from fractal_operator.services.first_steps import FirstSteps

HOME = {"POD_NAMESPACE": "home", "NODE_COUNT": "2", "SLOTS_PER_NODE": "1"}
STORE = f"{paths.secrets('home')}/fractal-store"
GATEWAY = f"{paths.secrets('home')}/fractal-store-gateway"
LEASE = f"{paths.leases('home')}/fractal-operator"
WORLD = f"{paths.WORLDS}/ds-clmpi1"


def steps(api: Api, **told: str) -> FirstSteps:
    return FirstSteps(api, OperatorSettings.from_environment({**HOME, **told}))


def held(server: ApiServer, path: str) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in server.objects[path]["data"].items()}


async def test_both_secrets_are_made_with_the_same_password_for_the_gateway(api: Api, server: ApiServer) -> None:
    drawn = await steps(api).make_secrets()
    assert len(set(drawn.values())) == len(StoreUser)
    assert all(len(password) >= 32 for password in drawn.values())
    assert held(server, STORE)["gateway-password"] == drawn[StoreUser.GATEWAY]
    assert held(server, GATEWAY) == {"gateway-password": drawn[StoreUser.GATEWAY]}


async def test_secrets_that_are_there_stay_as_they_are(api: Api, server: ApiServer) -> None:
    first = await steps(api).make_secrets()
    before = {path: server.objects[path] for path in (STORE, GATEWAY)}
    assert await steps(api).make_secrets() == first
    assert {path: server.objects[path] for path in (STORE, GATEWAY)} == before


async def test_a_lost_secret_of_the_gateway_is_made_anew_from_the_store_s(api: Api, server: ApiServer) -> None:
    first = await steps(api).make_secrets()
    server.remove(GATEWAY)
    await steps(api).make_secrets()
    assert held(server, GATEWAY) == {"gateway-password": first[StoreUser.GATEWAY]}


async def test_a_deleted_secret_comes_back_as_it_was(api: Api, server: ApiServer) -> None:
    mine = steps(api, FRACTAL_SECRETS_CHECK_SECONDS="1")
    await mine.make_secrets()
    before = held(server, STORE)
    keeping = asyncio.create_task(mine.keep_secrets())
    server.remove(STORE)
    server.remove(GATEWAY)
    await server.until(lambda: GATEWAY in server.objects)
    keeping.cancel()
    assert held(server, STORE) == before
    assert held(server, GATEWAY) == {"gateway-password": before["gateway-password"]}


async def test_whoever_asks_for_the_store_gets_its_user_and_password(api: Api, server: ApiServer) -> None:
    mine = steps(api)
    address = await mine.store_address(StoreUser.WORLD)
    asked = len(server.requests)
    assert address == f"redis://world:{held(server, STORE)['world-password']}@redis.home.svc:6379/0"
    assert await mine.store_address(StoreUser.WORLD) == address
    assert len(server.requests) == asked, "it is asked of the API server once"


async def test_a_store_that_names_its_user_needs_no_password_of_ours(api: Api, server: ApiServer) -> None:
    mine = steps(api, FRACTAL_STORE="redis://me:mine@elsewhere")
    assert await mine.store_address(StoreUser.WORLD) == "redis://me:mine@elsewhere"
    assert server.requests == []


async def test_a_damaged_secret_is_said_with_its_remedy(api: Api, server: ApiServer) -> None:
    server.put(STORE, {"data": {}})
    with pytest.raises(PermanentError, match="Secret home/fractal-store lacks world-password: delete it"):
        await steps(api).make_secrets()


async def test_the_first_world_is_made_once_and_not_again_when_somebody_deletes_it(api: Api, server: ApiServer) -> None:
    server.put(LEASE, {"spec": {"holderIdentity": "me"}})
    await steps(api).make_world()
    assert server.objects[WORLD]["spec"] == {"nodes": 2, "slotsPerNode": 1}
    assert server.objects[LEASE]["metadata"]["annotations"] == {names.FIRST_WORLD_MADE: "ds-clmpi1"}
    server.remove(WORLD)
    await steps(api).make_world()
    assert WORLD not in server.objects


async def test_a_world_that_is_there_is_left_alone(api: Api, server: ApiServer) -> None:
    server.put(LEASE, {})
    server.put(WORLD, {"spec": {"nodes": 7}})
    await steps(api).make_world()
    assert server.objects[WORLD]["spec"] == {"nodes": 7}


async def test_no_first_world_is_made_when_none_is_wanted(api: Api, server: ApiServer) -> None:
    server.put(LEASE, {})
    await steps(api, FRACTAL_FIRST_WORLD="none").make_world()
    assert list(server.objects) == [LEASE]


async def test_a_step_that_fails_is_taken_again_and_says_why(
    api: Api, server: ApiServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(first_steps, "_FIRST_PAUSE_S", 0.01)
    server.put(LEASE, {})
    refused = []

    async def refuse_twice(request: web.Request) -> web.Response | None:
        if request.method == "POST" and len(refused) < 2:
            refused.append(request.path)
            return refusal(404, "NotFound", "the server could not find the requested resource")
        return None

    server.fault = refuse_twice
    mine = steps(api)
    async with asyncio.timeout(30):
        await mine.insist(mine.make_world)
    assert WORLD in server.objects
    assert sum("could not find the requested resource" in record.getMessage() for record in caplog.records) == 2


async def test_another_password_is_known_after_a_while(api: Api, server: ApiServer) -> None:
    mine = steps(api, FRACTAL_SECRETS_CHECK_SECONDS="1")
    before = await mine.password(StoreUser.OPERATOR)
    keeping = asyncio.create_task(mine.keep_secrets())
    body = server.objects[STORE]
    server.put(STORE, {**body, "data": {**body["data"], "operator-password": base64.b64encode(b"new").decode()}})
    async with asyncio.timeout(30):
        while await mine.password(StoreUser.OPERATOR) == before:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
    assert await mine.password(StoreUser.OPERATOR) == "new"
    keeping.cancel()


async def test_what_keeps_a_step_from_being_done_is_told_until_it_is(
    api: Api, server: ApiServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(first_steps, "_FIRST_PAUSE_S", 0.01)
    told: list[tuple[str, str]] = []

    async def refuse(_: web.Request) -> web.StreamResponse | None:
        return None if told else refusal(403, "Forbidden", "exceeded quota: secrets")

    server.fault = refuse
    mine = FirstSteps(api, OperatorSettings.from_environment(HOME), tell=lambda *words: told.append(words))
    await mine.insist(mine.make_secrets)
    (step, words), done = told
    assert (step, done) == ("make_secrets", ("make_secrets", ""))
    assert "exceeded quota: secrets" in words
    assert words in caplog.text

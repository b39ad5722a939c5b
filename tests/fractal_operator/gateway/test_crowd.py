"""Who comes when the gateway is full is asked to come again."""

import asyncio

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from fractal_operator.gateway.crowd import Crowd


async def test_a_full_gateway_turns_away_and_then_serves_again() -> None:
    leave, entered = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        entered.release()
        await leave.wait()
        await PlainTextResponse("here")(scope, receive, send)

    transport = httpx.ASGITransport(Crowd(slow, most=2))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client, asyncio.timeout(20):
        inside = [asyncio.create_task(client.get("/")) for _ in range(2)]
        for _ in inside:
            await entered.acquire()
        refused = await client.get("/")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["error"] == "TryLater"
        leave.set()
        assert [(await each).text for each in inside] == ["here", "here"]
        assert (await client.get("/")).text == "here"

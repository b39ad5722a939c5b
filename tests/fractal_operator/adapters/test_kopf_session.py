"""kopf's session: our credentials, and an ear on its watches."""

import time

from support.operator_api_server import ApiServer

from fractal_operator.adapters.api import Api
from fractal_operator.adapters.kopf_session import open_session
from fractal_operator.core.pulse import Pulse


async def test_a_watch_moves_the_pulse_with_each_chunk_and_a_list_does_not(api: Api, server: ApiServer) -> None:
    server.put("/api/v1/namespaces/a", {})
    pulse = Pulse(time.monotonic() - 100)
    address, session = open_session(api, pulse)
    async with session:
        async with session.get(f"{address}/api/v1/namespaces") as response:
            await response.json()
        assert pulse.age_s(time.monotonic()) > 99
        query = {"watch": "true", "resourceVersion": "0"}
        async with session.get(f"{address}/api/v1/namespaces", params=query) as response:
            chunks = response.content.iter_chunked(1024)
            assert b"ADDED" in await anext(chunks)
            assert pulse.age_s(time.monotonic()) < 5
            await chunks.aclose()
    assert server.requests[-1].headers["Authorization"] == "Bearer a-token"
    assert server.requests[-1].headers["User-Agent"] == "fractal-test"

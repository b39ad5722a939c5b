"""A gateway's listeners in a thread of this process, for callers that need a real connection."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from support.gateway_stage import INSTALL
from support.redis_server import RedisServer

from fractal_operator.adapters.api import Api
from fractal_operator.adapters.images import Images
from fractal_operator.adapters.live import Live
from fractal_operator.adapters.store_link import StoreLink
from fractal_operator.gateway.apps import door
from fractal_operator.gateway.gate import LoopbackGate
from fractal_operator.gateway.listeners import Listeners, bind
from fractal_operator.gateway.metrics import GatewayMetrics
from fractal_operator.gateway.rooms import Rooms


@contextmanager
def serving(kubeconfig: str, redis_server: RedisServer) -> Iterator[int]:
    """The port of this machine where the gateway's loopback port is, for as long as the context lasts."""
    listening = bind("127.0.0.1", 0)
    listening.listen()  # who comes before it serves waits, and isn't refused
    started = threading.Event()
    ends: list[Listeners] = []

    async def live() -> None:
        with patch.dict(os.environ, KUBECONFIG=kubeconfig):
            api = await Api.connect(user_agent="test")
        link = StoreLink(redis_server.url)
        rooms = Rooms(api=api, images=Images(link, INSTALL), live=Live(link, INSTALL), metrics=GatewayMetrics())
        listeners = Listeners([(listening, door(rooms, LoopbackGate()))], goodbye_s=1)
        ends.append(listeners)
        started.set()
        await listeners.serve()
        await link.close()
        await api.close()

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    try:
        assert started.wait(20)
        yield listening.getsockname()[1]
    finally:
        ends[0].end()
        thread.join()

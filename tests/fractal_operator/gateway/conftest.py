"""A gateway in this process, its real store, and a fake API server."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from support.gateway_cluster import FakeCluster
from support.gateway_stage import INSTALL, Stage
from support.redis_server import RedisServer

from fractal_operator.adapters.access import Access
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.images import Images
from fractal_operator.adapters.live import Live
from fractal_operator.adapters.store_link import StoreLink
from fractal_operator.gateway.apps import door, observatory
from fractal_operator.gateway.gate import LoopbackGate, TokenGate
from fractal_operator.gateway.metrics import GatewayMetrics
from fractal_operator.gateway.rooms import Rooms


@pytest.fixture(scope="package")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def stage(redis_server: RedisServer) -> Iterator[Stage]:
    client = redis_server.client()
    client.flushall()
    with FakeCluster() as cluster, contextlib.closing(client):
        yield Stage(cluster=cluster, store=client)


@pytest.fixture
async def rooms(
    stage: Stage, redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rooms]:
    monkeypatch.setenv("KUBECONFIG", str(stage.cluster.kubeconfig(tmp_path)))
    api = await Api.connect(user_agent="test")
    link = StoreLink(redis_server.url, timeout_s=3)
    yield Rooms(api=api, images=Images(link, INSTALL), live=Live(link, INSTALL), metrics=GatewayMetrics())
    await link.close()
    await api.close()


@pytest.fixture
async def local(rooms: Rooms) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at the port for port-forwards."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(door(rooms, LoopbackGate())), base_url="http://localhost"
    ) as client:
        yield client


@pytest.fixture
async def public(rooms: Rooms) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at the port that wants a token."""
    gate = TokenGate(Access(rooms.api), token_life_s=30, right_life_s=10)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(door(rooms, gate)), base_url="http://server.clusteredfractals"
    ) as client:
        yield client


@pytest.fixture
async def watcher(rooms: Rooms) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at the port of probes and metrics."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(observatory(rooms, lambda: False)), base_url="http://pod"
    ) as client:
        yield client

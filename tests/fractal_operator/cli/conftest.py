"""Commands before a fake API server, through which they reach a real gateway with a real store."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.gateway_cluster import FakeCluster
from support.gateway_server import serving
from support.gateway_stage import Stage
from support.redis_server import RedisServer

from fractal_kernel.cli import dispatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Fractal = Callable[..., Said]


@pytest.fixture(scope="package")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def stage(redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A cluster and a store; KUBECONFIG leads to the cluster, and the current folder is the test's own."""
    client = redis_server.client()
    client.flushall()
    with FakeCluster() as cluster, contextlib.closing(client):
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path)))
        monkeypatch.chdir(tmp_path)
        yield Stage(cluster=cluster, store=client)


@pytest.fixture
def gateway(stage: Stage, redis_server: RedisServer, tmp_path: Path) -> Iterator[Stage]:
    """The same, with a gateway behind a port-forward."""
    with serving(str(stage.cluster.kubeconfig(tmp_path)), redis_server) as port:
        stage.cluster.forwards["gateway-1"] = port
        yield stage


@pytest.fixture
def fractal(capsys: pytest.CaptureFixture[str]) -> Fractal:
    """The program `fractal`, in this process."""

    def run(*arguments: str) -> Said:
        code = dispatch.run(arguments)
        out, err = capsys.readouterr()
        return Said(code=code, out=out, err=err)

    return run

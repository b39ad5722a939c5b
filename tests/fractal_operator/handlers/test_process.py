"""The process from its start to its end, on an API server of the test's own; what a leader does is the test's, too."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.operator_api_server import ApiServer

from fractal_operator.adapters.api import Api
from fractal_operator.core import names, paths
from fractal_operator.core.pulse import Pulse
from fractal_operator.core.settings import OperatorSettings
from fractal_operator.handlers.furnishing import Premises
from fractal_operator.handlers.health import Health
from fractal_operator.handlers.process import Process, main
from fractal_operator.services.metrics import Metrics

LEASE = f"{paths.leases('home')}/fractal-operator"
HOME = f"{paths.NAMESPACES}/home"
DEFINITION = f"{paths.DEFINITIONS}/fractalnamespaces.clusteredfractals.dev"
WORLD = f"{paths.WORLDS}/w"
ACCOUNT = f"{paths.service_accounts('home')}/fractal-operator"


@pytest.fixture(autouse=True)
def kept_logs() -> "AsyncIterator[None]":
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture(autouse=True)
def installed(server: ApiServer) -> None:
    server.put(HOME, {"metadata": {"finalizers": ["kubernetes"]}})
    server.put(DEFINITION, {"metadata": {"finalizers": ["customresourcecleanup"]}})
    server.put(WORLD, {"metadata": {"finalizers": [names.WORLD_FINALIZER]}})
    server.put(ACCOUNT, {"metadata": {"finalizers": [names.UNINSTALL_FINALIZER]}})


class Leader:
    """Leads until it is cancelled, and takes the signals for itself, as kopf does."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.began, self.ended = asyncio.Event(), asyncio.Event()
        self.fault = fault

    async def lead(self, _: Premises, __: Pulse, started: Callable[[], None]) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
        started()
        self.began.set()
        try:
            if self.fault is not None:
                raise self.fault
            await asyncio.Event().wait()
        finally:
            self.ended.set()


class Stubborn(Leader):
    """Doesn't end when it is cancelled, until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = asyncio.Event()

    async def lead(self, premises: Premises, pulse: Pulse, started: Callable[[], None]) -> None:
        try:
            await super().lead(premises, pulse, started)
        finally:
            self.ended.clear()
            await self.may_end.wait()
            self.ended.set()


@asynccontextmanager
async def process(api: Api, leader: Leader) -> "AsyncIterator[tuple[asyncio.Task[int], Health]]":
    health = Health(Metrics())
    settings = OperatorSettings.from_environment({"POD_NAMESPACE": "home"})
    running = asyncio.create_task(Process(settings, api, health, lead=leader.lead).run())
    try:
        async with asyncio.timeout(60):
            yield running, health
    finally:
        running.cancel()


def holder(server: ApiServer) -> str:
    return str(server.objects[LEASE]["spec"]["holderIdentity"])


async def test_a_signal_ends_it_in_good_order_and_frees_the_lease(api: Api, server: ApiServer) -> None:
    leader = Leader()
    async with process(api, leader) as (running, health):
        await leader.began.wait()
        assert health.readiness() == (200, "leading")
        assert holder(server)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 0
    assert leader.ended.is_set()
    assert holder(server) == ""
    assert health.readiness() == (503, "leaving")
    assert names.WORLD_FINALIZER in server.objects[WORLD]["metadata"]["finalizers"]


async def test_a_standby_is_ready_and_ends_without_touching_the_lease(api: Api, server: ApiServer) -> None:
    held = {"holderIdentity": "another", "leaseDurationSeconds": 10}
    server.put(LEASE, {"spec": held})
    leader = Leader()
    async with process(api, leader) as (running, health):
        await server.until(lambda: health.readiness() == (200, "standing by"))
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 0
    assert not leader.began.is_set()
    assert server.objects[LEASE]["spec"] == held


async def test_what_fails_while_leading_ends_it_and_frees_the_lease(
    api: Api, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(api, Leader(fault=RuntimeError("kopf has ended by itself"))) as (running, _):
        assert await running == 1
    assert holder(server) == ""
    assert "can't go on" in caplog.text


async def test_the_lease_is_kept_when_something_is_left_behind(
    api: Api, server: ApiServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fractal_operator.handlers.process._STOP_S", 0.1)
    leader = Stubborn()
    async with process(api, leader) as (running, _):
        await leader.began.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 0
        assert holder(server), "it could still write"
        assert "is left behind" in caplog.text
        leader.may_end.set()
        await leader.ended.wait()


async def test_an_uninstallation_stops_leading_and_lets_go_of_everything(api: Api, server: ApiServer) -> None:
    leader = Leader()
    async with process(api, leader) as (running, _):
        await leader.began.wait()
        for path in (HOME, DEFINITION, ACCOUNT, WORLD):
            server.mark_for_deletion(path)
        await server.tell()
        assert await running == 0
    assert leader.ended.is_set()
    assert WORLD not in server.objects
    assert ACCOUNT not in server.objects


async def test_a_signal_that_comes_with_an_uninstallation_does_not_cut_it_short(api: Api, server: ApiServer) -> None:
    server.put(WORLD, {"metadata": {"finalizers": [names.WORLD_FINALIZER, "somebody/else"]}})
    leader = Leader()
    async with process(api, leader) as (running, _):
        await leader.began.wait()
        for path in (HOME, DEFINITION, ACCOUNT, WORLD):
            server.mark_for_deletion(path)
        os.kill(os.getpid(), signal.SIGTERM)
        await server.until(lambda: server.objects[WORLD]["metadata"]["finalizers"] == ["somebody/else"])
        os.kill(os.getpid(), signal.SIGTERM)
        _, pending = await asyncio.wait({running}, timeout=0.5)
        assert pending, "it waits for the last FractalNamespace"
        server.remove(WORLD)
        assert await running == 0
    assert ACCOUNT not in server.objects


def test_settings_that_can_not_be_end_it_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NODE_COUNT", "many")
    assert main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The variable NODE_COUNT should be a valid integer")
    assert line.endswith("but is 'many'; leave it away for 4")


def test_without_a_cluster_it_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("FRACTAL_LOG_FORMAT", "text")
    monkeypatch.setenv("MPIPASS", "geheim")
    assert main() == 1
    warning, error = capsys.readouterr().err.splitlines()
    assert "MPIPASS is set, and ignored" in warning
    assert "geheim" not in warning
    assert "No Kubernetes cluster is configured" in error

"""The elector, with a Lease on a server of the test's own and shorter times; upper bounds allow for a busy machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from support.operator_api_server import ApiServer

from fractal_operator.adapters.api import Api
from fractal_operator.core.lease import Timing
from fractal_operator.services.elector import Elector

LEASE = "/apis/coordination.k8s.io/v1/namespaces/home/leases/fractal-operator"
TIMING = Timing(lease_s=3.0, renew_s=1.8, retry_s=0.3, request_s=0.8)

Make = Callable[..., Elector]


@pytest.fixture
async def elector(api: Api) -> AsyncIterator[Make]:
    def make(name: str, end: Callable[[str], None] = pytest.fail) -> Elector:
        return Elector(api, namespace="home", identity=name, timing=TIMING, end=end)

    yield make  # noqa: PT022 - in the loop of the test


def holder(server: ApiServer) -> str:
    return str(server.objects[LEASE]["spec"]["holderIdentity"])


async def test_one_leads_and_another_stands_by_until_it_is_released(elector: Make, server: ApiServer) -> None:
    first, second = elector("a"), elector("b")
    await first.acquire()
    await second.meet()
    holding = asyncio.create_task(first.hold())
    waiting = asyncio.create_task(second.acquire())
    _, pending = await asyncio.wait({waiting}, timeout=3.5)
    assert pending, "a lease that is renewed is not taken"
    assert holder(server) == "a"
    holding.cancel()
    await asyncio.wait({holding})
    began = time.monotonic()
    await first.release()
    await waiting
    assert time.monotonic() - began < 2.5
    assert holder(server) == "b"
    assert server.objects[LEASE]["spec"]["leaseTransitions"] == 1


async def test_a_release_is_noticed_without_asking(api: Api, server: ApiServer) -> None:
    seldom = Timing(lease_s=30.0, renew_s=29.0, retry_s=20.0, request_s=5.0)
    first, second = (Elector(api, namespace="home", identity=name, timing=seldom, end=pytest.fail) for name in "ab")
    await first.acquire()
    await second.meet()
    waiting = asyncio.create_task(second.acquire())
    await server.until(lambda: any("watch" in request.query for request in server.requests))
    await first.release()
    await asyncio.wait_for(waiting, 5)
    assert holder(server) == "b"


async def test_a_lease_that_has_changed_meanwhile_is_released_too(elector: Make, server: ApiServer, api: Api) -> None:
    first = elector("a")
    await first.acquire()
    await api.merge(LEASE, {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}})  # as a renewal that nobody awaited
    await first.release()
    assert not holder(server)


async def test_a_lease_that_somebody_else_took_is_not_released(elector: Make, server: ApiServer, api: Api) -> None:
    first = elector("a")
    await first.acquire()
    await api.merge(LEASE, {"spec": {"holderIdentity": "b"}})
    await first.release()
    assert holder(server) == "b"


async def test_a_lease_whose_holder_died_is_taken_when_it_ran_out(elector: Make, server: ApiServer) -> None:
    await elector("a").acquire()
    began = time.monotonic()
    await elector("b").acquire()
    assert 2.9 <= time.monotonic() - began <= 8
    assert holder(server) == "b"


async def test_annotations_of_the_lease_survive_its_renewal(elector: Make, server: ApiServer, api: Api) -> None:
    first = elector("a")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    await api.merge(LEASE, {"metadata": {"annotations": {"kept": "yes"}}})
    version = server.objects[LEASE]["metadata"]["resourceVersion"]
    await server.until(lambda: server.objects[LEASE]["metadata"]["resourceVersion"] != version)
    assert server.objects[LEASE]["metadata"]["annotations"] == {"kept": "yes"}
    assert holder(server) == "a"
    holding.cancel()


async def test_a_leader_that_is_cut_off_ends_before_its_lease_does(elector: Make, server: ApiServer) -> None:
    ended: list[str] = []
    first = elector("a", ended.append)
    await first.acquire()

    async def swallow(_: web.Request) -> None:
        await asyncio.Event().wait()

    server.fault = swallow
    began = time.monotonic()
    await first.hold()
    assert 1.4 <= time.monotonic() - began < 3.0
    assert ended == ["The Lease fractal-operator is lost: it could not be renewed for 1.8 s"]


async def test_a_leader_whose_lease_was_taken_ends_at_once(elector: Make, server: ApiServer) -> None:
    ended: list[str] = []
    first = elector("a", ended.append)
    await first.acquire()
    held = server.objects[LEASE]
    server.put(LEASE, {**held, "spec": {**held["spec"], "holderIdentity": "thief"}})
    await first.hold()
    assert ended == ["The Lease fractal-operator is lost: thief has taken it"]


async def test_a_leader_makes_a_deleted_lease_anew(elector: Make, server: ApiServer) -> None:
    first = elector("a")
    await first.acquire()
    server.remove(LEASE)
    holding = asyncio.create_task(first.hold())
    await server.until(lambda: LEASE in server.objects)
    assert holder(server) == "a"
    holding.cancel()


async def test_a_blocked_loop_is_ended_by_the_watchdog(elector: Make) -> None:
    ended: list[str] = []
    first = elector("a", ended.append)
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    await asyncio.sleep(0)
    time.sleep(3.5)  # noqa: ASYNC251 - blocking is what is tried
    assert ended == ["The Lease fractal-operator ran out while this process was busy or frozen"]
    holding.cancel()


async def test_releasing_what_can_not_be_reached_is_no_error(elector: Make, server: ApiServer) -> None:
    first = elector("a")
    await first.acquire()

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=500)

    server.fault = refuse
    await first.release()
    assert holder(server) == "a"

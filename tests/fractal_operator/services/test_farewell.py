"""The end of an installation, on a server of the test's own: what hangs on finalizers, and in which order it goes."""

import asyncio

import pytest
from aiohttp import web
from support.operator_api_server import ApiServer, refusal

from fractal_operator.adapters.api import Api
from fractal_operator.core import names, paths
from fractal_operator.services import farewell as module
from fractal_operator.services.farewell import Farewell

HOME = f"{paths.NAMESPACES}/home"
DEFINITION = f"{paths.DEFINITIONS}/fractalnamespaces.clusteredfractals.dev"
RIGHTS = (
    f"{paths.service_accounts('home')}/fractal-operator",
    f"{paths.CLUSTER_ROLES}/fractal-operator",
    f"{paths.CLUSTER_ROLE_BINDINGS}/fractal-operator",
)
WORLD = f"{paths.WORLDS}/ds-clmpi1"
OTHER = f"{paths.WORLDS}/other"


@pytest.fixture(autouse=True)
def installed(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_S", 0.01)
    monkeypatch.setattr(module, "_RIGHTS_S", 0.3)
    monkeypatch.setattr(module, "_FOLLOWING_S", 0.3)
    server.put(HOME, {"metadata": {"finalizers": ["kubernetes"]}})
    server.put(DEFINITION, {"metadata": {"finalizers": ["customresourcecleanup"]}})
    for path in RIGHTS:
        server.put(path, {"metadata": {"finalizers": [names.UNINSTALL_FINALIZER, "other/one"]}})
    for path in (WORLD, OTHER):
        server.put(path, {"metadata": {"finalizers": [names.WORLD_FINALIZER]}})


@pytest.fixture
def farewell(api: Api) -> Farewell:
    return Farewell(api, "home")


def delete_all(server: ApiServer) -> None:
    for path in (HOME, DEFINITION, *RIGHTS, WORLD, OTHER):
        server.mark_for_deletion(path)


@pytest.mark.parametrize("path", [HOME, DEFINITION])
async def test_the_end_is_noticed_as_it_comes(farewell: Farewell, server: ApiServer, path: str) -> None:
    watching = asyncio.create_task(farewell.watch())
    await server.until(lambda: sum("watch" in request.query for request in server.requests) == 2)
    assert not farewell.noticed.is_set()
    server.mark_for_deletion(path)
    await server.tell()
    async with asyncio.timeout(30):
        await farewell.noticed.wait()
    watching.cancel()


async def test_the_end_is_noticed_when_asked(farewell: Farewell, server: ApiServer) -> None:
    assert not await farewell.is_on()
    server.mark_for_deletion(DEFINITION)
    assert await farewell.is_on()
    assert farewell.noticed.is_set()


async def test_worlds_go_first_and_our_rights_last(farewell: Farewell, server: ApiServer) -> None:
    delete_all(server)
    await farewell.say()
    assert WORLD not in server.objects
    assert OTHER not in server.objects
    for path in RIGHTS:
        assert server.objects[path]["metadata"]["finalizers"] == ["other/one"], "what is not ours stays"
    patched = [request.path for request in server.requests if request.method == "PATCH"]
    assert set(patched[:2]) == {WORLD, OTHER}
    assert set(patched[2:]) == set(RIGHTS)


async def test_worlds_that_the_definition_takes_along_are_waited_for(farewell: Farewell, server: ApiServer) -> None:
    server.mark_for_deletion(DEFINITION)
    server.mark_for_deletion(WORLD)
    saying = asyncio.create_task(farewell.say())
    await server.until(lambda: WORLD not in server.objects)
    assert server.objects[OTHER]["metadata"]["finalizers"] == [names.WORLD_FINALIZER], "it isn't being deleted yet"
    server.mark_for_deletion(OTHER)
    await saying
    assert OTHER not in server.objects
    for path in RIGHTS:
        assert names.UNINSTALL_FINALIZER in server.objects[path]["metadata"]["finalizers"], "nobody deleted these"


async def test_worlds_are_not_let_go_before_the_definition_that_follows_our_namespace(
    farewell: Farewell, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FOLLOWING_S", 5.0)
    server.mark_for_deletion(HOME)
    saying = asyncio.create_task(farewell.say())
    await server.until(lambda: any(request.path == DEFINITION for request in server.requests))
    server.mark_for_deletion(DEFINITION)
    for path in (WORLD, OTHER, *RIGHTS):
        server.mark_for_deletion(path)
    await saying
    first = next(request.path for request in server.requests if request.method == "PATCH")
    assert first in {WORLD, OTHER}
    asked = [request.path for request in server.requests]
    assert asked.index(DEFINITION) < asked.index(first)
    assert not {WORLD, OTHER} & server.objects.keys()


def give_namespace(server: ApiServer, name: str, owner: str | None) -> str:
    """The Namespace's path. It has the label of a world's, and the FractalNamespace of that uid as owner."""
    owners = [{"kind": "FractalNamespace", "name": name, "uid": owner}] if owner else []
    path = f"{paths.NAMESPACES}/{name}"
    server.put(path, {"metadata": {"labels": {names.WORLD_LABEL: name}, "ownerReferences": owners}})
    return path


async def test_namespaces_that_garbage_collection_missed_are_deleted_and_no_others(
    farewell: Farewell, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORLDS_S", 0.2)
    server.put(OTHER, {"metadata": {"finalizers": [names.WORLD_FINALIZER, "other/one"]}})
    alive = give_namespace(server, "other", server.objects[OTHER]["metadata"]["uid"])
    orphan = give_namespace(server, "ds-clmpi1", server.objects[WORLD]["metadata"]["uid"])
    older = give_namespace(server, "older", "gone long ago")
    nobodys = give_namespace(server, "nobodys", None)
    delete_all(server)
    await farewell.say()
    assert not {orphan, older} & server.objects.keys()
    assert {alive, nobodys} <= server.objects.keys(), "one has an owner still, the other never had one"


async def test_namespaces_stay_when_the_definition_does(farewell: Farewell, server: ApiServer) -> None:
    kept = give_namespace(server, "older", "gone long ago")
    server.mark_for_deletion(HOME)
    await farewell.say()
    assert kept in server.objects


async def test_an_orphan_that_can_not_be_deleted_does_not_keep_our_rights_for_ever(
    farewell: Farewell, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ORPHANS_S", 0.2)
    orphan = give_namespace(server, "older", "gone long ago")

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        return refusal(403, "Forbidden") if (request.method, request.path) == ("DELETE", orphan) else None

    server.fault = refuse
    delete_all(server)
    await farewell.say()
    assert orphan in server.objects
    assert names.UNINSTALL_FINALIZER not in server.objects[RIGHTS[0]]["metadata"]["finalizers"]


async def test_no_world_keeps_our_finalizer_when_we_leave_for_good(farewell: Farewell, server: ApiServer) -> None:
    server.mark_for_deletion(HOME)
    await farewell.say()
    assert all("finalizers" not in server.objects[path]["metadata"] for path in (WORLD, OTHER))


async def test_our_namespace_alone_does_not_wait_for_a_service_account_that_waits_for_our_end(
    farewell: Farewell, server: ApiServer
) -> None:
    """Kubernetes deletes what is in a namespace only after its pods."""
    server.mark_for_deletion(HOME)
    await farewell.say()
    held = {path: server.objects[path]["metadata"].get("finalizers") or [] for path in RIGHTS}
    account = next(path for path in RIGHTS if "serviceaccounts" in path)
    assert names.UNINSTALL_FINALIZER not in held.pop(account)
    assert all(names.UNINSTALL_FINALIZER in finalizers for finalizers in held.values()), "a new installation has them"


async def test_a_world_that_something_else_holds_does_not_keep_our_rights_for_ever(
    farewell: Farewell, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORLDS_S", 0.2)
    server.put(WORLD, {"metadata": {"finalizers": [names.WORLD_FINALIZER, "other/one"]}})
    delete_all(server)
    await farewell.say()
    assert server.objects[WORLD]["metadata"]["finalizers"] == ["other/one"]
    assert names.UNINSTALL_FINALIZER not in server.objects[RIGHTS[0]]["metadata"]["finalizers"]


async def test_two_replicas_may_do_it_at_once(farewell: Farewell, api: Api, server: ApiServer) -> None:
    delete_all(server)
    await asyncio.gather(farewell.say(), Farewell(api, "home").say())
    assert WORLD not in server.objects
    assert all(names.UNINSTALL_FINALIZER not in server.objects[path]["metadata"]["finalizers"] for path in RIGHTS)


async def test_rights_that_are_deleted_a_moment_later_are_waited_for(farewell: Farewell, server: ApiServer) -> None:
    for path in (HOME, DEFINITION, RIGHTS[0], WORLD, OTHER):
        server.mark_for_deletion(path)
    saying = asyncio.create_task(farewell.say())
    await server.until(lambda: OTHER not in server.objects)
    for path in RIGHTS[1:]:
        server.mark_for_deletion(path)
    await saying
    assert all(names.UNINSTALL_FINALIZER not in server.objects[path]["metadata"]["finalizers"] for path in RIGHTS)

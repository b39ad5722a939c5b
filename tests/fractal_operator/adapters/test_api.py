"""The adapter of the API server, against a server of the test's own."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from aiohttp import web
from support.operator_api_server import ApiServer, write_kubeconfig

from fractal_api.errors import FractalError, PermanentError, TemporaryError
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import (
    AlreadyExists,
    ApiAway,
    Conflict,
    Forbidden,
    Immutable,
    Invalid,
    ListExpired,
    NoClusterError,
    NotFound,
    refusal,
)

SECRETS = "/api/v1/namespaces/n/secrets"


async def test_objects_are_created_read_changed_and_deleted(api: Api, server: ApiServer) -> None:
    made = await api.create(SECRETS, {"metadata": {"name": "a"}, "data": {"x": "1"}})
    assert (await api.get(f"{SECRETS}/a"))["data"] == {"x": "1"}
    assert (await api.merge(f"{SECRETS}/a", {"data": {"y": "2"}}))["data"] == {"x": "1", "y": "2"}
    with pytest.raises(Conflict):
        await api.put(f"{SECRETS}/a", made)
    with pytest.raises(AlreadyExists):
        await api.create(SECRETS, {"metadata": {"name": "a"}})
    with pytest.raises(Conflict):
        await api.delete(f"{SECRETS}/a", uid="another")
    await api.delete(f"{SECRETS}/a", uid=made["metadata"]["uid"])
    await api.delete(f"{SECRETS}/a")
    with pytest.raises(NotFound, match=f"GET {SECRETS}/a"):
        await api.get(f"{SECRETS}/a")
    assert {request.headers["User-Agent"] for request in server.requests} == {"fractal-test"}
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer a-token"}


async def test_apply_says_whose_fields_these_are(api: Api, server: ApiServer) -> None:
    server.put(f"{SECRETS}/a", {})
    await api.apply(f"{SECRETS}/a", {"data": {}}, dry_run=True)
    request = server.requests[-1]
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert dict(request.query) == {"fieldManager": "fractal-operator", "force": "true", "dryRun": "All"}


async def test_deletion_carries_what_it_was_told(api: Api, server: ApiServer) -> None:
    bodies = []

    async def note(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({})

    server.fault = note
    await api.delete("/x", uid="u", grace_s=0, propagation="Background")
    assert bodies[0]["preconditions"] == {"uid": "u"}
    assert bodies[0]["gracePeriodSeconds"] == 0
    assert bodies[0]["propagationPolicy"] == "Background"


async def test_pages_are_read_to_the_end(api: Api, server: ApiServer) -> None:
    for number in range(5):
        server.put(f"{SECRETS}/s{number}", {})
    pages = [page async for page in api.pages(SECRETS, limit=2)]
    assert [[item["metadata"]["name"] for item in page["items"]] for page in pages] == [
        ["s0", "s1"],
        ["s2", "s3"],
        ["s4"],
    ]
    assert all(page["metadata"]["resourceVersion"] for page in pages)


@pytest.mark.parametrize(
    ("code", "reason", "kind", "tree"),
    [
        (400, "BadRequest", Invalid, PermanentError),
        (401, "Unauthorized", Forbidden, PermanentError),
        (403, "Forbidden", Forbidden, PermanentError),
        (404, "NotFound", NotFound, PermanentError),
        (409, "Conflict", Conflict, TemporaryError),
        (409, "AlreadyExists", AlreadyExists, PermanentError),
        (410, "Expired", ListExpired, TemporaryError),
        (422, "Invalid", Invalid, PermanentError),
        (429, "TooManyRequests", ApiAway, TemporaryError),
        (500, "InternalError", ApiAway, TemporaryError),
        (503, "", ApiAway, TemporaryError),
    ],
)
def test_each_answer_has_its_error(code: int, reason: str, kind: type[FractalError], tree: type) -> None:
    error = refusal("PUT /x", code, f'{{"reason": "{reason}", "message": "because"}}'.encode())
    assert type(error) is kind
    assert isinstance(error, tree)
    assert "PUT /x" in str(error)
    assert "because" in str(error)


FIXED = {"field": "spec.clusterIPs[0]", "message": 'Invalid value: []string{"None"}: may not change once set'}
WRONG = {"field": "spec.ports[0]", "message": "Invalid value: 0: must be between 1 and 65535"}


@pytest.mark.parametrize(
    ("code", "causes", "kind"),
    [
        (422, [FIXED], Immutable),
        (422, [{"field": "roleRef", "message": "Invalid value: x: cannot change roleRef"}], Immutable),
        (422, [{"field": "data", "message": "Forbidden: field is immutable when `immutable` is set"}], Immutable),
        (422, [{"field": "spec", "message": "Forbidden: updates to statefulset spec for fields other …"}], Immutable),
        (422, [FIXED, WRONG], Invalid),
        (422, [WRONG], Invalid),
        (422, [{"message": "policy: the label is immutable"}], Invalid),
        (400, [FIXED], Invalid),
    ],
)
def test_only_fields_that_can_not_change_make_an_object_immutable(
    code: int, causes: list[dict[str, str]], kind: type[FractalError]
) -> None:
    body = {"reason": "Invalid", "message": "because", "details": {"causes": causes}}
    assert type(refusal("PATCH /x", code, json.dumps(body).encode())) is kind


def test_a_field_that_the_server_does_not_know_is_invalid_whatever_its_code() -> None:
    body = b'{"message": "failed to create typed patch object (/x): .spec.foo: field not declared in schema"}'
    assert type(refusal("PATCH /x", 500, body)) is Invalid


def test_an_answer_that_is_no_status_is_quoted() -> None:
    assert "bad gateway" in str(refusal("GET /x", 502, b"bad gateway"))
    assert "[]" in str(refusal("GET /x", 502, b"[]"))


async def test_a_server_that_does_not_answer_is_away_after_the_deadline(api: Api, server: ApiServer) -> None:
    async def hang(_: web.Request) -> None:
        await asyncio.Event().wait()

    server.fault = hang
    with pytest.raises(ApiAway, match="did not answer GET /x in time"):
        await api.within(0.05).get("/x")


async def test_a_body_that_stops_halfway_is_away_after_the_deadline(api: Api, server: ApiServer) -> None:
    async def stop_halfway(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"kind":')
        await asyncio.Event().wait()
        return response

    server.fault = stop_halfway
    with pytest.raises(ApiAway, match="in time"):
        await api.within(0.1).get("/x")


async def test_a_server_that_is_not_there_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path, f"http://127.0.0.1:{unused_tcp_port}")))
    api = await Api.connect(user_agent="x")
    with pytest.raises(ApiAway, match="could not be reached for GET /x"):
        await api.get("/x")
    await api.close()


async def test_a_proxy_that_answers_for_the_server_is_away(api: Api, server: ApiServer) -> None:
    async def greet(_: web.Request) -> web.Response:
        return web.Response(text="<html>Hello")

    server.fault = greet
    with pytest.raises(ApiAway, match="no API server"):
        await api.get("/x")


async def test_no_cluster_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    with pytest.raises(NoClusterError, match="set KUBECONFIG"):
        await Api.connect(user_agent="x")


NO_CERTIFICATE = """
{current-context: c, contexts: [{name: c, context: {cluster: c, user: c}}],
 clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}],
 users: [{name: c, user: {client-certificate-data: bm9uZQ==, client-key-data: bm9uZQ==}}]}
"""


@pytest.mark.parametrize(
    "text",
    [
        "a: [b",
        "a word",
        "[]",
        "clusters: 7",
        NO_CERTIFICATE,
    ],
    ids=["no YAML", "a word", "a list", "no clusters", "a certificate that is none"],
)
async def test_a_kubeconfig_that_is_none_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(NoClusterError) as caught:
        await Api.connect(user_agent="x")
    assert "\n" not in str(caught.value)


async def test_lines_come_as_they_are_written_and_long_ones_are_cut(api: Api, server: ApiServer) -> None:
    more = asyncio.Event()

    async def write(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\ntw")
        await more.wait()
        await response.write(b"o\n" + b"x" * 200_000 + b"\n\nlast")
        return response

    server.fault = write
    async with contextlib.aclosing(api.lines("/log", follow="true")) as lines:
        assert await anext(lines) == b"one"
        more.set()
        assert [line async for line in lines] == [b"two", b"x" * 65536, b"", b"last"]
    assert server.requests[-1].query["follow"] == "true"


async def test_lines_can_be_left_while_the_stream_is_silent(api: Api, server: ApiServer) -> None:
    gone = asyncio.Event()

    async def write(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        try:
            while True:
                await asyncio.sleep(0.01)
                await response.write(b".")
        except ConnectionError:
            gone.set()
        return response

    async def read() -> None:
        async with contextlib.aclosing(api.lines("/log")) as lines:
            async for _ in lines:
                began.set()

    began = asyncio.Event()
    server.fault = write
    reading = asyncio.create_task(read())
    async with asyncio.timeout(30):
        await began.wait()
        reading.cancel()
        await asyncio.wait({reading})
        await gone.wait()


async def test_a_refused_stream_raises_before_the_first_line(api: Api) -> None:
    with pytest.raises(NotFound):
        async for _ in api.lines("/api/v1/namespaces/n/pods/p/log"):
            pass


async def test_a_stream_that_breaks_is_away(api: Api, server: ApiServer) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        assert request.transport is not None
        request.transport.abort()
        return response

    server.fault = break_off
    lines = api.lines("/log")
    assert await anext(lines) == b"one"
    with pytest.raises(ApiAway):
        await anext(lines)


async def test_connections_are_used_again(api: Api, server: ApiServer) -> None:
    server.put("/api/v1/namespaces/n", {})
    ports = set()

    async def note(request: web.Request) -> None:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])

    server.fault = note
    for _ in range(5):
        await api.get("/api/v1/namespaces/n")
    assert len(ports) == 1

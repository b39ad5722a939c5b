"""Who is let in at the port that wants a token, and who at the port for port-forwards."""

import httpx
import pytest
from support.gateway_stage import Stage, running

URL = "/v1/namespaces/art/jobs/seahorse"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def painter(stage: Stage) -> str:
    """The token of somebody who may read jobs in the namespace art."""
    stage.cluster.put("seahorse", status=running())
    stage.cluster.tokens["t-painter"] = "painter"
    stage.cluster.may.add(("painter", "art"))
    return "t-painter"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"Authorization": "Basic cGFpbnRlcjp4"}, id="basic"),
        pytest.param(bearer(""), id="empty"),
        pytest.param(bearer("t-stranger"), id="unknown"),
        pytest.param(bearer("x" * 20_000), id="endless"),
    ],
)
@pytest.mark.parametrize("rest", ["", "/image", "/logs"])
async def test_without_a_known_token_nothing_is_shown(
    public: httpx.AsyncClient, painter: str, headers: dict[str, str], rest: str
) -> None:
    answer = await public.get(URL + rest, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"] == "Unauthorized"
    assert painter not in answer.text


async def test_a_known_token_with_the_right_shows_the_job(public: httpx.AsyncClient, painter: str) -> None:
    answer = await public.get(URL, headers=bearer(painter))
    assert answer.status_code == 200
    assert answer.json()["metadata"]["name"] == "seahorse"


async def test_somebody_without_the_right_learns_not_even_whether_the_job_is_there(
    public: httpx.AsyncClient, painter: str, stage: Stage
) -> None:
    stage.cluster.tokens["t-stranger"] = "stranger"
    answers = [
        await public.get(f"/v1/namespaces/art/jobs/{name}", headers=bearer("t-stranger")) for name in ("seahorse", "x")
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json() == {"error": "Forbidden", "message": "stranger may not get fractaljobs in namespace art"}
    assert (await public.get("/v1/namespaces/other/jobs/x", headers=bearer(painter))).status_code == 403


async def test_reviews_are_remembered_for_a_while(public: httpx.AsyncClient, painter: str, stage: Stage) -> None:
    for _ in range(5):
        await public.get(URL, headers=bearer(painter))
        await public.get(URL, headers=bearer("t-nobody"))
    reviews = [path.rpartition("/")[2] for path, _ in stage.cluster.asked]
    assert sorted(reviews) == ["subjectaccessreviews", "tokenreviews", "tokenreviews"]


async def test_the_review_asks_for_exactly_this_job(public: httpx.AsyncClient, painter: str, stage: Stage) -> None:
    await public.get(URL, headers=bearer(painter))
    [spec] = [body["spec"] for path, body in stage.cluster.asked if path.endswith("subjectaccessreviews")]
    assert spec["user"] == "painter"
    assert spec["groups"] == ["system:authenticated"]
    assert spec["resourceAttributes"] == {
        "group": "clusteredfractals.dev",
        "resource": "fractaljobs",
        "verb": "get",
        "namespace": "art",
        "name": "seahorse",
    }


async def test_nobody_is_let_in_while_the_api_server_is_away(
    public: httpx.AsyncClient, painter: str, stage: Stage
) -> None:
    stage.cluster.busy = True
    answer = await public.get(URL, headers=bearer(painter))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8081", "[::1]:8081", "localhost:12345"])
async def test_a_port_forward_needs_no_token(local: httpx.AsyncClient, stage: Stage, host: str) -> None:
    stage.cluster.put("seahorse", status=running())
    assert (await local.get(URL, headers={"Host": host})).status_code == 200
    assert stage.cluster.asked == []


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", ""])
async def test_a_foreign_page_in_a_browser_does_not_come_through_a_port_forward(
    local: httpx.AsyncClient, stage: Stage, host: str
) -> None:
    stage.cluster.put("seahorse", status=running())
    assert (await local.get(URL, headers={"Host": host})).status_code == 403

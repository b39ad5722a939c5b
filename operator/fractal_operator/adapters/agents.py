"""The agents of worlds: an errand goes there by HTTP, and comes back as an answer, within its deadline.

Nothing that an agent does or doesn't do raises here: silence is an answer too.
"""

from http import HTTPStatus
from typing import Any, Final, assert_never
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fractal_operator.core import answers as w
from fractal_operator.core.worlds import AgentRef

TIMEOUT_S: Final = 5.0
PUT_TIMEOUT_S: Final = 20.0
"""More than an agent's patience with its store: who gives up first would not know what becomes of the run."""

_MAX_BYTES: Final = 1 << 20
_MAX_MESSAGE: Final = 1000
_MAX_PATIENCE_S: Final = 60.0
_FAULT: Final = HTTPStatus.INTERNAL_SERVER_ERROR


class _Body(BaseModel):
    """What an agent sends; fields of newer agents are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Run(_Body):
    id: str
    phase: w.Phase
    tiles_done: int = Field(default=0, alias="tilesDone")
    tiles_total: int = Field(default=0, alias="tilesTotal")
    reason: str = ""
    message: str = ""


class _World(_Body):
    epoch: int | None = None


class _Runs(_Body):
    runs: tuple[_Run, ...]
    world: _World = _World()


class _Problem(_Body):
    error: str = ""
    message: str = ""
    runs: tuple[str, ...] = ()


class AgentClient:
    """One a process, since connections are kept."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S, put_timeout_s: float = PUT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._put_timeout_s = put_timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def do(self, agent: AgentRef, errand: w.Errand) -> w.Answer:
        """What the agent answers; Away when it doesn't."""
        method, path, body = _request(errand)
        total_s = self._put_timeout_s if isinstance(errand, w.Put) else self._timeout_s
        try:
            async with self._open().request(
                method,
                f"{agent.url}{path}",
                json=body,
                headers={"Authorization": f"Bearer {agent.token}"},
                timeout=aiohttp.ClientTimeout(total=total_s, sock_connect=self._timeout_s),
                allow_redirects=False,  # the token is for this agent alone
            ) as response:
                text = await _read(response)
                return _answer(errand, response.status, text, response.headers.get("Retry-After", ""))
        except TimeoutError:
            return w.Away(message=f"its agent did not answer within {total_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return w.Away(message=f"its agent can't be reached: {type(error).__name__}")

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # An errand must not wait for another world's: no common limit.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The answer's text, cut off where no agent's would go on: then it is none."""
    text = bytearray()
    async for piece in response.content.iter_any():
        text += piece
        if len(text) > _MAX_BYTES:
            return b""
    return bytes(text)


def _request(errand: w.Errand) -> tuple[str, str, dict[str, Any] | None]:
    match errand:
        case w.Inspect():
            return "GET", "/runs", None
        case w.Put():
            body: dict[str, Any] = {"spec": errand.spec, "attempt": errand.attempt}
            if errand.ttl_s is not None:
                body["expirySeconds"] = errand.ttl_s
            return "PUT", _path(errand.run), body
        case w.Cancel():
            return "DELETE", _path(errand.run), None
        case w.Ask():
            return "GET", _path(errand.run), None
        case _:
            assert_never(errand)


def _path(run: str) -> str:
    return f"/runs/{quote(run, safe='')}"


def _answer(errand: w.Errand, status: int, text: bytes, retry_after: str) -> w.Answer:
    try:
        if status == HTTPStatus.NO_CONTENT:
            return w.NoSuchRun()
        if status in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return _runs(text) if isinstance(errand, w.Inspect) else _run(_Run.model_validate_json(text))
        if status == HTTPStatus.UNAUTHORIZED:
            return w.Away(message="its agent refuses the operator's token")
        problem = _Problem.model_validate_json(text)
    except ValidationError:
        return w.Away(message=f"what answers at its agent's address is no agent (HTTP {status})")
    return _refusal(errand, status, problem, retry_after)


def _refusal(errand: w.Errand, status: int, problem: _Problem, retry_after: str) -> w.Answer:
    message = problem.message[:_MAX_MESSAGE]
    # By a 500 an agent that has looked at a run says what keeps it from ever taking it.
    final = {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT} | ({_FAULT} if isinstance(errand, w.Put) else set())
    match status:
        case HTTPStatus.NOT_FOUND:
            return w.NoSuchRun()
        case HTTPStatus.CONFLICT if problem.error == "Taken":
            return w.Busy(runs=problem.runs)
        case _ if status in final and problem.error:
            return w.Refused(word=problem.error, message=message)
        case HTTPStatus.SERVICE_UNAVAILABLE:
            after_s = float(retry_after) if retry_after.isdecimal() else 0.0
            return w.Later(word=problem.error, message=message, after_s=min(after_s, _MAX_PATIENCE_S))
        case _ if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return w.Refused(word="AgentRefuses", message=f"HTTP {status}: {message}")
        case _:
            return w.Away(message=f"its agent answers with HTTP {status}: {message}")


def _runs(text: bytes) -> w.RunsSeen:
    runs = _Runs.model_validate_json(text)
    return w.RunsSeen(runs=tuple(_run(run) for run in runs.runs), epoch=runs.world.epoch)


def _run(run: _Run) -> w.RunSeen:
    return w.RunSeen(
        run=run.id,
        phase=run.phase,
        tiles_done=run.tiles_done,
        tiles_total=run.tiles_total,
        reason=run.reason,
        message=run.message[:_MAX_MESSAGE],
    )

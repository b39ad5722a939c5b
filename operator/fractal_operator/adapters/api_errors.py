"""What can go wrong with the API server, and the one place where its answers and foreign exceptions become that."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from fractal_api.errors import FractalError, PermanentError, TemporaryError


class NoClusterError(PermanentError):
    """There is no API server to talk to: neither in a cluster nor with a kubeconfig."""


class NotFound(PermanentError):
    """The object, or its kind, is not there."""


class AlreadyExists(PermanentError):
    """An object of this name is there already."""


class Invalid(PermanentError):
    """The API server, or an admission policy, refuses what it was sent."""


class Immutable(Invalid):
    """The object is there with another value in a field that can't change, and nothing else is wrong with it."""


class Forbidden(PermanentError):
    """This identity may not do that."""


class Conflict(TemporaryError):
    """The object has changed since it was read, or is another one of the same name: read it again and decide anew."""


class ListExpired(TemporaryError):
    """The list or watch is too old to go on: begin it again."""


class ApiAway(TemporaryError):
    """No answer in time, a broken connection, or a server that asks for patience."""


_KINDS: Final[Mapping[int, type[FractalError]]] = {
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: ListExpired,
    HTTPStatus.UNAUTHORIZED: Forbidden,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.REQUEST_TIMEOUT: ApiAway,
    HTTPStatus.TOO_MANY_REQUESTS: ApiAway,
}
_ALREADY_EXISTS: Final = "AlreadyExists"
_MAX_MESSAGE: Final = 1000

_FIXED: Final = ("immutable", "may not change once set", "cannot change roleRef", "updates to statefulset spec")
"""What the API server says of fields that can't change; there is no reason of its own for them."""

_UNTYPED: Final = "failed to create typed patch object"
"""What it says of fields that it doesn't know, with 500 as if that were its own fault."""

LOST: Final = (asyncio.TimeoutError, aiohttp.ClientError, OSError)
"""What aiohttp and the sockets below it raise when there is no answer."""


def reason_of(body: bytes) -> tuple[str, str]:
    """The reason (such as AlreadyExists) and message of a Status object; anything else is a message without reason."""
    status = _status_of(body)
    text = body.decode(errors="replace").strip()
    return str(status.get("reason") or ""), str(status.get("message") or text)


def refusal(what: str, code: int, body: bytes) -> FractalError:
    """The error for an answer that is no success; `what` names the request, as in "PUT /api/v1/…"."""
    reason, message = reason_of(body)
    sentence = f"The API server answers {what} with {code} {reason}: {message[:_MAX_MESSAGE] or 'no reason given'}"
    if reason == _ALREADY_EXISTS:
        return AlreadyExists(sentence)
    if code == HTTPStatus.UNPROCESSABLE_ENTITY and _concerns_fixed_fields(body):
        return Immutable(sentence)
    if _UNTYPED in message:
        return Invalid(sentence)
    return _KINDS.get(code, ApiAway if code >= HTTPStatus.INTERNAL_SERVER_ERROR else Invalid)(sentence)


def _status_of(body: bytes) -> Mapping[str, Any]:
    """The Status object; empty when it is something else."""
    try:
        status: Any = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _concerns_fixed_fields(body: bytes) -> bool:
    """Whether all that is wrong are fields that can't change: a webhook's refusal, say, names none."""
    causes = (_status_of(body).get("details") or {}).get("causes") or ()
    told = [str(cause.get("message", "")) for cause in causes if cause.get("field")]
    return bool(told) and len(told) == len(causes) and all(any(word in each for word in _FIXED) for each in told)


def absence(what: str, cause: Exception) -> ApiAway:
    """The error for a request without any answer."""
    if isinstance(cause, asyncio.TimeoutError):
        return ApiAway(f"The API server did not answer {what} in time")
    return ApiAway(f"The API server could not be reached for {what}: {str(cause) or type(cause).__name__}")

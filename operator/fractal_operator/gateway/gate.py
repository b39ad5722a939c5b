"""Who is let in: a bearer token that the API server knows, of someone who may read the job that they ask for."""

import hashlib
import ipaddress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request

from fractal_operator.adapters.access import Access, Deed, Identity
from fractal_operator.gateway.expiring import Expiring
from fractal_operator.gateway.problems import Problem

TOKENS: Final = 1024
DEEDS: Final = 8192
MAX_TOKEN: Final = 16_384
"""Characters of a token that is looked at; ServiceAccounts' have about a thousand."""

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="fractal"'}


class Gate(Protocol):
    """Stands before every job."""

    async def admit(self, request: Request, deed: Deed) -> None:
        """Return when the request may do that; Problem when not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """A review's answer: None is nobody."""

    identity: Identity | None


class TokenGate:
    """Asks the API server about token and right, and remembers its answers for a while."""

    def __init__(self, access: Access, *, token_life_s: float, right_life_s: float) -> None:
        self._access = access
        # by the token's hash: whoever reads this process's memory dump finds no tokens here
        self._tokens: Expiring[bytes, _Answer] = Expiring(life_s=token_life_s, capacity=TOKENS)
        self._rights: Expiring[tuple[Identity, Deed], bool] = Expiring(life_s=right_life_s, capacity=DEEDS)

    async def admit(self, request: Request, deed: Deed) -> None:
        """See `Gate`."""
        identity = await self._identify(_token(request))
        if not await self._allows(identity, deed):
            what = f"{deed.verb} fractaljobs in namespace {deed.namespace}"
            raise Problem(HTTPStatus.FORBIDDEN, "Forbidden", f"{identity.user} may not {what}")

    async def _identify(self, token: str) -> Identity:
        digest = hashlib.sha256(token.encode()).digest()
        answer = self._tokens.get(digest)
        if answer is None:
            answer = _Answer(identity=await self._access.identify(token))
            self._tokens.put(digest, answer)
        if answer.identity is None:
            raise _unauthorized("the API server doesn't know this bearer token, or it has expired")
        return answer.identity

    async def _allows(self, who: Identity, deed: Deed) -> bool:
        allowed = self._rights.get((who, deed))
        if allowed is None:
            allowed = await self._access.allows(who, deed)
            self._rights.put((who, deed), allowed)
        return allowed


class LoopbackGate:
    """Lets everybody in who comes by the loopback: who may port-forward to this pod may read.

    A browser that a foreign page sends here by a name of its own (DNS rebinding) is not let in.
    """

    async def admit(self, request: Request, deed: Deed) -> None:  # noqa: ARG002 - whatever it is
        """See `Gate`."""
        if not _is_loopback(request.headers.get("host", "")):
            message = "this port is for port-forwards: the request's host must be localhost"
            raise Problem(HTTPStatus.FORBIDDEN, "Forbidden", message)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("a bearer token is needed, such as that of kubectl create token")
    if len(token) > MAX_TOKEN:
        raise _unauthorized(f"a bearer token has at most {MAX_TOKEN:,} characters")
    return token


def _unauthorized(message: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "Unauthorized", message, headers=CHALLENGE)


def _is_loopback(host: str) -> bool:
    """Whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

"""Patches that are all allowed before any of them is done: for whoever patches away its own rights.

A request's head is enough for the API server to decide whether it is allowed; it asks for the body (100 Continue) only
then. So every head is sent, the bodies are held back until each has been asked for, and then they go together.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Final

import aiohttp

from fractal_operator.adapters.api import MERGE, Api
from fractal_operator.adapters.api_errors import LOST, NotFound, absence, refusal
from fractal_operator.core.names import Object

_TIMEOUT_S: Final = 8.0


async def patch_together(api: Api, patches: Mapping[str, Object]) -> None:
    """Apply a JSON merge patch to each path; one whose object is gone counts as done.

    Nothing is patched when one of them is not allowed. ApiAway when there is no answer in time.
    """
    gate = _Gate(len(patches))
    headers = {**await api.credentials(), "User-Agent": api.user_agent, "Content-Type": MERGE}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(connector=api.connector(), headers=headers, timeout=timeout) as session:
        sent = [_send(session, api.server, path, body, gate) for path, body in patches.items()]
        answers = await asyncio.gather(*sent, return_exceptions=True)
    if gate.refusal is not None:
        raise gate.refusal
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, NotFound):
            raise answer


class _Gate:
    """Opens when all have come to it; a refusal before that keeps it shut for good."""

    def __init__(self, count: int) -> None:
        self.refusal: Exception | None = None
        self._missing = count
        self._settled = asyncio.get_running_loop().create_future()

    async def pass_through(self) -> None:
        self._missing -= 1
        if self._missing == 0 and not self._settled.done():
            self._settled.set_result(None)
        await asyncio.shield(self._settled)

    def shut(self, why: Exception) -> None:
        if not self._settled.done():
            self.refusal = why
            self._settled.set_exception(why)
            self._settled.exception()  # nobody may be waiting, which is no reason to complain


async def _send(session: aiohttp.ClientSession, server: str, path: str, body: Object, gate: _Gate) -> None:
    what = f"PATCH {path}"
    try:
        async with session.patch(f"{server}{path}", data=_held_back(body, gate), expect100=True) as response:
            if not response.ok:
                error = refusal(what, response.status, await response.read())
                gate.shut(error)
                raise error
    except LOST as lost:
        error = absence(what, lost)
        gate.shut(error)
        raise error from lost


async def _held_back(body: Object, gate: _Gate) -> AsyncIterator[bytes]:
    await gate.pass_through()
    yield json.dumps(body).encode()

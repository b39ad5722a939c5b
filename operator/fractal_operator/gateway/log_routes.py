"""`GET …/jobs/{name}/logs`: what the world's log says about this job's runs, as far as the log goes.

`follow=true` goes on until the job has ended; `format=json` gives a JSON object a line.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from fractal_api.errors import FractalError
from fractal_operator.adapters.api_errors import Forbidden, NotFound
from fractal_operator.core.job_view import JobView
from fractal_operator.gateway.job_routes import PATH, Front, JobName, NamespaceName
from fractal_operator.gateway.log_reader import lines_so_far, lines_until_the_end
from fractal_operator.gateway.log_text import LogLine, as_json, as_text
from fractal_operator.gateway.problems import Problem
from fractal_operator.gateway.rooms import Rooms

_log = logging.getLogger(__name__)

FOLLOW_S: Final = 4 * 3600
"""A log is followed so long at most; whoever wants more asks again."""


class LogFormat(StrEnum):
    """How lines look."""

    TEXT = "text"
    JSON = "json"


_WAYS: Final[dict[LogFormat, tuple[str, Callable[[LogLine], str]]]] = {
    LogFormat.TEXT: ("text/plain; charset=utf-8", as_text),
    LogFormat.JSON: ("application/x-ndjson", as_json),
}

router = APIRouter()


@router.get(f"{PATH}/logs")
async def get_logs(  # noqa: PLR0913 - the path's and the query's parts
    request: Request,
    front: Front,
    namespace: NamespaceName,
    name: JobName,
    *,
    follow: bool = False,
    format: LogFormat = LogFormat.TEXT,  # noqa: A002 - the query's own word
) -> Response:
    """The lines about the job."""
    job = await front.job(request, namespace, name)
    media_type, write = _WAYS[format]
    if follow and job.end is None:
        lines = lines_until_the_end(front.rooms.api, job)
    else:
        lines = await _begun(job, lines_so_far(front.rooms.api, job))
    return StreamingResponse(_sent(front.rooms, job, lines, write), media_type=media_type)


async def _begun(job: JobView, lines: AsyncGenerator[LogLine, None]) -> AsyncGenerator[LogLine, None]:
    """The lines, with the first one read already: until then it can be told why there are none."""
    try:
        first = await anext(lines, None)
    except (NotFound, Forbidden) as error:
        raise _gone(f"the world {job.world} of FractalJob {job.place} is gone, and its log with it") from error
    if first is None and job.end is not None and job.world is not None:
        raise _gone(f"the log of the world {job.world} doesn't reach back to FractalJob {job.place}")
    return _after(first, lines)


def _gone(message: str) -> Problem:
    return Problem(HTTPStatus.GONE, "LogGone", message)


async def _after(first: LogLine | None, rest: AsyncGenerator[LogLine, None]) -> AsyncGenerator[LogLine, None]:
    if first is not None:
        yield first
    async for line in rest:
        yield line


async def _sent(
    rooms: Rooms, job: JobView, lines: AsyncGenerator[LogLine, None], write: Callable[[LogLine], str]
) -> AsyncIterator[str]:
    with rooms.metrics.log_stream():
        try:
            async with asyncio.timeout(FOLLOW_S), aclosing(lines):
                async for line in lines:
                    yield f"{write(line)}\n"
        except TimeoutError:
            _log.info("the log was followed for %d s, which is enough", FOLLOW_S, extra={"job": job.place})
        except FractalError as error:
            _log.warning("the log broke off: %s", error, extra={"job": job.place})
            raise

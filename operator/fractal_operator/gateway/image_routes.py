"""`GET …/jobs/{name}/image`: the picture, or why there is none.

| status | when |
|---|---|
| 200 | the PNG file; ETag is its SHA-256 |
| 202 | it is not there yet; the body says how far it is |
| 304 | the caller has it (If-None-Match) |
| 404 | there is no such job |
| 409 | the job failed; the body says why |
| 410 | the picture expired, or was lost |
| 503 | store or API server are away; Retry-After says when to come again |
"""

import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from fractal_api.errors import FractalError
from fractal_api.storage import ResultRecord
from fractal_operator.adapters.images import ImageLost
from fractal_operator.core.job_view import JobView
from fractal_operator.gateway import verdicts
from fractal_operator.gateway.job_routes import PATH, Front, JobName, NamespaceName, latest_progress
from fractal_operator.gateway.problems import RETRY_AFTER_S, Problem
from fractal_operator.gateway.progress import progress_json
from fractal_operator.gateway.rooms import Rooms

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "image/png"

router = APIRouter()


@router.api_route(f"{PATH}/image", methods=["GET", "HEAD"])
async def get_image(request: Request, front: Front, namespace: NamespaceName, name: JobName) -> Response:
    """The job's picture."""
    job = await front.job(request, namespace, name)
    rooms = front.rooms
    match await _verdict(rooms, job):
        case Problem() as problem:
            raise problem
        case verdicts.Rendering(message=message):
            return await _not_yet(rooms, job, message)
        case verdicts.Ready(record=record):
            return await _picture(request, rooms, job, record)


async def _verdict(rooms: Rooms, job: JobView) -> verdicts.Verdict:
    try:
        record = await rooms.images.record(job.uid)
    except ImageLost:
        return verdicts.gone(job)
    return verdicts.decide(job, record)


async def _not_yet(rooms: Rooms, job: JobView, message: str) -> Response:
    body = {
        "message": message,
        "phase": job.status.phase or "Pending",
        "assignedTo": job.status.assigned_to,
        "progress": progress_json(await latest_progress(rooms, job)),
    }
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return JSONResponse(body, status_code=HTTPStatus.ACCEPTED, headers=headers)


async def _picture(request: Request, rooms: Rooms, job: JobView, record: ResultRecord) -> Response:
    headers = {
        "ETag": f'"{record.sha256}"',
        "Cache-Control": "private, no-cache",  # ask again each time: whether one may read can change
        "Content-Disposition": f'inline; filename="{job.name}.png"',
        "Content-Type": MEDIA_TYPE,
        "X-Content-Type-Options": "nosniff",
    }
    try:
        await rooms.images.renew(job.uid, record, job.ttl_s)
        if _has_it(request, record):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        headers["Content-Length"] = str(record.bytes)
        if request.method == "HEAD":
            return Response(headers=headers)
        parts = rooms.images.read(job.uid, record)
        # Before the head of the answer goes out: what is wrong with the first part can still be told.
        first = await anext(parts)
    except ImageLost as error:
        _log.warning("no picture: %s", error, extra={"job": job.place})
        raise verdicts.gone(job) from error
    return StreamingResponse(_sent(rooms, job, first, parts), headers=headers)


async def _sent(rooms: Rooms, job: JobView, first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The parts as they go out. When one fails, the answer breaks off before its announced length."""
    outcome = "broken"
    try:
        rooms.metrics.sent(len(first))
        yield first
        async for part in rest:
            rooms.metrics.sent(len(part))
            yield part
        outcome = "complete"
    except FractalError as error:
        _log.warning("the picture broke off: %s", error, extra={"job": job.place})
        raise
    finally:
        rooms.metrics.image_ended(outcome)


def _has_it(request: Request, record: ResultRecord) -> bool:
    """Whether the caller names this picture in If-None-Match."""
    tags = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    return "*" in tags or f'"{record.sha256}"' in tags

"""`GET /v1/namespaces/{namespace}/jobs/{name}`: a FractalJob, and whatever hangs on it below."""

import logging
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request

from fractal_api.constraints import DNS_LABEL, DNS_NAME
from fractal_api.errors import TemporaryError
from fractal_api.jobs import Progress
from fractal_operator.core.job_view import JobView
from fractal_operator.gateway.progress import latest, manifest_with
from fractal_operator.gateway.rooms import Reception, Rooms, reception

_log = logging.getLogger(__name__)

PATH: Final = "/v1/namespaces/{namespace}/jobs/{name}"

Front = Annotated[Reception, Depends(reception)]
NamespaceName = Annotated[str, Path(pattern=DNS_LABEL, max_length=63)]
JobName = Annotated[str, Path(pattern=DNS_NAME, max_length=253)]

router = APIRouter()


@router.get(PATH)
async def get_job(request: Request, front: Front, namespace: NamespaceName, name: JobName) -> dict[str, Any]:
    """The job as kubectl shows it, with the latest progress."""
    job = await front.job(request, namespace, name)
    return manifest_with(job, await latest_progress(front.rooms, job))


async def latest_progress(rooms: Rooms, job: JobView) -> Progress | None:
    """The latest progress of a job; what its status says while the store is away."""
    if job.end is not None or job.status.attempts == 0:
        return job.status.progress
    try:
        return latest(job, await rooms.live.figures(job.uid))
    except TemporaryError as error:
        _log.info("no live figures: %s", error, extra={"job": job.place})
        return job.status.progress

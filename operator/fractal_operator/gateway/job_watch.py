"""A FractalJob, again and again as it changes, until it is gone."""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from fractal_api.errors import TemporaryError
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import NotFound
from fractal_operator.core import paths
from fractal_operator.core.job_view import JobView, view

_log = logging.getLogger(__name__)

WATCH_S: Final = 300
MAX_EVENT: Final = 2 << 20
"""Bytes of an event: a job may have numbers of 16 KiB, and whatever annotations."""


async def watch_job(api: Api, job: JobView) -> AsyncGenerator[JobView, None]:
    """The job after each of its changes; it ends when the job is deleted, or was replaced. Iterate until you leave."""
    version = str(job.manifest["metadata"]["resourceVersion"])
    while True:
        try:
            async with aclosing(_changes(api, job, version)) as changes:
                async for changed in changes:
                    if changed is None or changed.uid != job.uid:
                        return
                    version = str(changed.manifest["metadata"]["resourceVersion"])
                    yield changed
        except TemporaryError as error:
            _log.info("a watch is begun again: %s", error, extra={"job": job.place})
        try:
            current = view(await api.get(f"{paths.jobs(job.namespace)}/{job.name}"))
        except NotFound:
            return
        if current.uid != job.uid:
            return
        version = str(current.manifest["metadata"]["resourceVersion"])
        yield current


async def _changes(api: Api, job: JobView, version: str) -> AsyncGenerator[JobView | None, None]:
    """The job after each change since `version`; None when it is deleted. It ends when the watch does."""
    query = {
        "watch": "true",
        "fieldSelector": f"metadata.name={job.name}",
        "resourceVersion": version,
        "timeoutSeconds": str(WATCH_S),
    }
    async with aclosing(api.lines(paths.jobs(job.namespace), max_line=MAX_EVENT, **query)) as lines:
        async for line in lines:
            event: dict[str, Any] = json.loads(line)
            match event["type"]:
                case "ADDED" | "MODIFIED":
                    yield view(event["object"])
                case "DELETED":
                    yield None
                case _:  # ERROR: too old a version, mostly
                    return

"""A job's picture, from the gateway into a file or onto standard output, proved on the way."""

import hashlib
import http.client
import json
from http import HTTPStatus
from typing import Final

from fractal_console.output import Output
from fractal_console.rows import RowReader
from fractal_console.thumbnail import Thumbnail
from fractal_operator.cli.finding import api_path
from fractal_operator.cli.forward import Gateway
from fractal_operator.cli.problems import ClusterAway, PictureLost
from fractal_operator.core.job_view import JobView

PIECE: Final = 1 << 18


def fetch(gateway: Gateway, job: JobView, sink: Output, thumbnail: Thumbnail | None = None) -> int:
    """The number of the picture's bytes, all of which went into the sink; PictureLost when it isn't the job's.

    A picture that comes broken off is an error too, but then some of it is in the sink already: let the sink be a
    WholeFile.
    """
    response = gateway.get(api_path(job, "/image"))
    if response.status != HTTPStatus.OK:
        raise _refusal(job, response)
    rows = RowReader(thumbnail_width) if (thumbnail_width := _width(job, thumbnail)) else None
    digest, size = hashlib.sha256(), 0
    try:
        while piece := response.read(PIECE):
            digest.update(piece)
            size += len(piece)
            sink.write(piece)
            if rows is not None and thumbnail is not None:
                for first_row, rgb in rows.feed(piece):
                    thumbnail.add(first_row, rgb)
    except (OSError, http.client.HTTPException) as error:
        raise ClusterAway(f"the picture of FractalJob {job.place} broke off after {size:,} bytes") from error
    promised = int(response.headers.get("Content-Length", size))
    if size != promised:
        raise ClusterAway(f"the picture of FractalJob {job.place} broke off after {size:,} of {promised:,} bytes")
    if digest.hexdigest() != _promised_sha(job, response):
        raise PictureLost(f"what came as the picture of FractalJob {job.place} is another file: its SHA-256 differs")
    return size


def _width(job: JobView, thumbnail: Thumbnail | None) -> int:
    return job.status.result.width if thumbnail is not None and job.status.result is not None else 0


def _promised_sha(job: JobView, response: http.client.HTTPResponse) -> str:
    """What the job's status says; the gateway's word where the status doesn't say it yet."""
    if job.status.result is not None:
        return job.status.result.sha256
    return response.headers.get("ETag", "").strip('"')


def _refusal(job: JobView, response: http.client.HTTPResponse) -> Exception:
    try:
        message = str(json.loads(response.read())["message"])
    except (ValueError, KeyError, OSError, http.client.HTTPException):
        message = f"the gateway answers {response.status}"
    match response.status:
        case HTTPStatus.ACCEPTED:
            return PictureLost(f"there is no picture yet: {message}; see fractal watch {job.name}")
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return ClusterAway(message)
        case _:
            return PictureLost(message)

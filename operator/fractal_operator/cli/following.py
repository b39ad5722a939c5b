"""A job as it changes: by a watch of the API server, and between its events by the gateway's live figures."""

import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from fractal_api.errors import FractalError, TemporaryError
from fractal_api.jobs import JobPhase
from fractal_operator.cli.cluster import Cluster
from fractal_operator.cli.finding import api_path, find_job
from fractal_operator.cli.forward import Gateway
from fractal_operator.cli.problems import JobFailed, Unknown
from fractal_operator.core import paths
from fractal_operator.core.job_view import JobView, view

LIVE_EVERY_S: Final = 0.5
AGAIN_S: Final = 2.0
PATIENCE: Final = 30
"""So many watches in a row may fail before the cluster counts as away."""


def follow(cluster: Cluster, namespace: str, name: str, live: Gateway | None) -> Iterator[JobView]:
    """The job now, and after each change, until it has ended; JobFailed when it is deleted meanwhile.

    Without `live`, or when the gateway can't be reached, only the API server is asked.
    """
    job = find_job(cluster, namespace, name)
    yield job
    if job.end is not None:
        return
    news: queue.Queue[JobView | Exception] = queue.Queue()
    threading.Thread(target=_watch, args=(cluster, job, news), name="watch", daemon=True).start()
    spectator = _Spectator(live)
    while job.end is None:
        fresh = _next(news, LIVE_EVERY_S) or spectator.look(job)
        if fresh is not None:
            job = furthest(job, fresh)
            yield job


def furthest(seen: JobView, fresh: JobView) -> JobView:
    """The fresh state of a job, with the progress that was seen already where that is further.

    Live figures run ahead of the status, and a bar that jumps back is of no use.
    """
    before, now = seen.status.progress, fresh.status.progress
    behind = before is not None and (now is None or now.tiles_done < before.tiles_done or now.percent < before.percent)
    if fresh.end is not None or fresh.run != seen.run or fresh.world != seen.world or not behind:
        return fresh
    return replace(fresh, status=fresh.status.model_copy(update={"progress": before}))


def _next(news: "queue.Queue[JobView | Exception]", timeout_s: float) -> JobView | None:
    try:
        found = news.get(timeout=timeout_s)
    except queue.Empty:
        return None
    if isinstance(found, Exception):
        raise found
    return found


class _Spectator:
    """Looks at live figures through the gateway, until that fails for the first time."""

    def __init__(self, gateway: Gateway | None) -> None:
        self._gateway = gateway

    def look(self, job: JobView) -> JobView | None:
        """The job with its live figures; None when there is nothing to see."""
        if self._gateway is None or job.status.phase not in {JobPhase.ASSIGNED, JobPhase.RUNNING}:
            return None
        try:
            response = self._gateway.get(api_path(job))
            body = response.read()
        except (FractalError, OSError):
            self._gateway = None
            return None
        if response.status != HTTPStatus.OK:
            return None
        seen = view(json.loads(body))
        return seen if seen.uid == job.uid else None


def _watch(cluster: Cluster, job: JobView, news: "queue.Queue[JobView | Exception]") -> None:
    """Put the job into the queue after each change, until it ends or is gone."""
    try:
        _tell_changes(cluster, job, news)
    except Exception as error:  # noqa: BLE001 - it is raised again where somebody waits for news
        news.put(error)


def _tell_changes(cluster: Cluster, job: JobView, news: "queue.Queue[JobView | Exception]") -> None:
    version = str(job.manifest["metadata"]["resourceVersion"])
    failures = 0
    while True:
        try:
            for changed in _changes(cluster, job, version):
                failures = 0
                version = str(changed.manifest["metadata"]["resourceVersion"])
                news.put(changed)
                if changed.end is not None:
                    return
            current = find_job(cluster, job.namespace, job.name)
        except TemporaryError:
            failures += 1
            if failures > PATIENCE:
                raise
            threading.Event().wait(AGAIN_S)
            continue
        except Unknown as error:
            raise _gone(job) from error
        if current.uid != job.uid:
            raise _gone(job)
        version = str(current.manifest["metadata"]["resourceVersion"])
        news.put(current)


def _changes(cluster: Cluster, job: JobView, version: str) -> Iterator[JobView]:
    """The job after each change since `version`, until the watch ends; JobFailed when it is deleted."""
    query = {"fieldSelector": f"metadata.name={job.name}", "resourceVersion": version}
    for event in cluster.watch(paths.jobs(job.namespace), **query):
        match event["type"]:
            case "ADDED" | "MODIFIED":
                changed = view(event["object"])
                if changed.uid != job.uid:
                    raise _gone(job)
                yield changed
            case "DELETED":
                raise _gone(job)
            case _:  # ERROR: too old a version, mostly
                return


def _gone(job: JobView) -> JobFailed:
    return JobFailed(f"FractalJob {job.place} was deleted")

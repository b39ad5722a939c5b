"""The example, rendered by the cluster: applied as a person would, followed, and fetched through the gateway."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster_harness.command import run
from cluster_harness.errors import ClusterError, CommandError, DeadlineError
from cluster_harness.kubectl import Kubectl
from cluster_harness.progress import Progress

from trial import places
from trial.readiness import Object, condition
from trial.target import Target

RENDERED_S: Final = 600.0
FETCHED_S: Final = 120.0
PAUSE_S: Final = 0.5
KIND: Final = "fractaljob"


class JobFailedError(ClusterError):
    """The cluster says that it can't render the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPicture:
    """A picture that the cluster rendered: its file, and the hash that the job's status gives for its pixels."""

    file: Path
    pixels_sha256: str
    world: str
    seconds: float


def submit(kubectl: Kubectl) -> None:
    """Apply the example. One that failed before, lost its result, or describes another picture, is made anew."""
    before = _job(kubectl)
    if before is not None and is_spent(before):
        _delete(kubectl)
        before = None
    try:
        _apply(kubectl)
    except CommandError:
        if before is None:
            raise
        _delete(kubectl)  # a job's picture can't be changed
        _apply(kubectl)


def is_spent(job: Object) -> bool:
    """Whether a job has no picture and never will."""
    available = condition(job, "ResultAvailable")
    return _holds(job, "Failed") or (
        available is not None and available["status"] == "False" and _holds(job, "Complete")
    )


def follow(kubectl: Kubectl, progress: Progress) -> Object:
    """The job once it is Complete; JobFailedError with the operator's reason, or DeadlineError with the last state."""
    deadline = time.monotonic() + RENDERED_S
    while True:
        job = _job(kubectl)
        if job is None:
            raise JobFailedError(f"FractalJob {kubectl.namespace}/{places.JOB} was deleted while it was rendered")
        if _holds(job, "Complete"):
            return job
        if _holds(job, "Failed"):
            raise JobFailedError(f"FractalJob {kubectl.namespace}/{places.JOB} failed: {_why(job)}")
        if time.monotonic() > deadline:
            raise DeadlineError(f"FractalJob {places.JOB} is not done after {RENDERED_S:g} s: {state(job)}")
        progress.detail(state(job))
        time.sleep(PAUSE_S)


def state(job: Object) -> str:
    """How far the job is, in a few words."""
    status = job.get("status", {})
    done = status.get("progress") or {}
    parts = [str(status.get("phase") or "not seen by the operator yet")]
    if world := status.get("assignedTo"):
        parts.append(f"on {world}")
    if done.get("tilesTotal"):
        parts.append(f"{done.get('percent', 0)} %, {done.get('tilesDone', 0)} of {done['tilesTotal']} tiles")
    if done.get("etaSeconds"):
        parts.append(f"{done['etaSeconds']} s left")
    assigned = condition(job, "Assigned")
    if assigned is not None and assigned["status"] == "False" and assigned.get("message"):
        parts.append(str(assigned["message"]))
    return ", ".join(parts)


def fetch(target: Target, job: Object) -> ClusterPicture:
    """The picture's file, through the gateway as `fractal image` does it."""
    run(
        [places.FRACTAL, "image", places.JOB, f"--namespace={target.jobs.namespace}", f"--output={places.PICTURE}"],
        environment=target.environment,
        timeout_s=FETCHED_S,
    )
    status = job["status"]
    return ClusterPicture(
        file=places.PICTURE,
        pixels_sha256=status["result"]["pixelsSha256"],
        world=status.get("assignedTo", ""),
        seconds=float(status["result"].get("seconds", 0)),
    )


def _job(kubectl: Kubectl) -> Object | None:
    printed = kubectl("get", KIND, places.JOB, "--ignore-not-found", "--output=json")
    found: Object | None = json.loads(printed) if printed else None
    return found


def _apply(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", f"--filename={places.EXAMPLE}")


def _delete(kubectl: Kubectl) -> None:
    kubectl("delete", KIND, places.JOB, "--ignore-not-found", "--wait=true", "--timeout=30s", timeout_s=60)


def _holds(job: Object, kind: str) -> bool:
    found = condition(job, kind)
    return found is not None and found["status"] == "True"


def _why(job: Object) -> str:
    failed = condition(job, "Failed") or {}
    return ": ".join(str(failed[word]) for word in ("reason", "message") if failed.get(word))

"""FractalJobs for the operator's tests, in each state of their life."""

from datetime import UTC, datetime
from typing import Any, Final

from fractal_api.conditions import JobReason
from fractal_api.jobs import FractalJobStatus, Progress
from fractal_api.storage import ResultRecord
from fractal_operator.core import stimuli as s
from fractal_operator.core.failures import Failure
from fractal_operator.core.jobs import Job, read_job
from fractal_operator.core.lifecycle import State, decide

NOW: Final = datetime(2030, 1, 31, 12, tzinfo=UTC)
HALFWAY: Final = Progress(percent=50, tilesDone=5, tilesTotal=10)

RECORD: Final = ResultRecord(
    sha256="a" * 64,
    pixels_sha256="b" * 64,
    bytes=1000,
    chunks=1,
    chunk_bytes=2**20,
    attempt=1,
    width=64,
    height=48,
    seconds=2.5,
    max_iterations=500,
    picture_version=1,
)


def manifest(name: str = "seahorse", status: dict[str, Any] | None = None, **execution: object) -> dict[str, Any]:
    """A FractalJob, as the API server has it."""
    return {
        "apiVersion": "clusteredfractals.dev/v1alpha1",
        "kind": "FractalJob",
        "metadata": {
            "namespace": "art",
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": "2030-01-31T11:59:00Z",
        },
        "spec": {"fractal": {"type": "Mandelbrot"}, "execution": execution},
        **({"status": status} if status else {}),
    }


def job_in(state: State, **execution: object) -> Job:
    """A job in that state, come there by the table."""
    job = read_job(manifest("seahorse", None, **execution))
    for stimulus in _WAYS[state]:
        job = after(job, stimulus)
    return job


def after(job: Job, stimulus: s.Stimulus, now: datetime = NOW) -> Job:
    """The job after something happened to it."""
    return job.with_status(decide(job, stimulus, now).status, job.version)


def with_status(job: Job, **fields: Any) -> Job:  # noqa: ANN401 - any field's
    """The job with other fields of its status."""
    status: FractalJobStatus = job.status.model_copy(update=fields)
    return job.with_status(status, job.version)


def stimulus_of(kind: type[s.Stimulus], attempt: int = 1) -> s.Stimulus:
    """An example of each stimulus."""
    failure = Failure(word="RenderFailed", message="a rank crashed")
    examples: dict[type[s.Stimulus], s.Stimulus] = {
        s.Refuse: s.Refuse(reason=JobReason.INVALID_SPEC, message="spec.image.width is too large"),
        s.Hold: s.Hold(reason=JobReason.QUEUED, message="the world that fits is busy"),
        s.Place: s.Place(world="w1"),
        s.Suspend: s.Suspend(),
        s.Resume: s.Resume(),
        s.Expire: s.Expire(),
        s.Advance: s.Advance(attempt=attempt, progress=HALFWAY),
        s.Stall: s.Stall(attempt=attempt, reason=JobReason.STORE_BACKPRESSURE, message="the store is slow"),
        s.Finish: s.Finish(attempt=attempt, record=RECORD),
        s.Break: s.Break(attempt=attempt, failure=failure),
        s.Forget: s.Forget(attempt=attempt, message="its agent is another one"),
        s.Release: s.Release(attempt=attempt, message="world w1 is being drained"),
        s.Retire: s.Retire(),
        s.LoseResult: s.LoseResult(reason=JobReason.RESULT_EXPIRED, message="nobody read it"),
        s.Vanish: s.Vanish(),
    }
    return examples[kind]


_PLACED: Final = (s.Place(world="w1"),)
_BEGUN: Final = (*_PLACED, s.Advance(attempt=1, progress=Progress(percent=0, tilesDone=0, tilesTotal=10)))
_WAYS: Final[dict[State, tuple[s.Stimulus, ...]]] = {
    State.NEW: (),
    State.QUEUED: (s.Hold(reason=JobReason.QUEUED, message="all worlds are busy"),),
    State.SUSPENDED: (s.Suspend(),),
    State.ASSIGNED: _PLACED,
    State.RUNNING: _BEGUN,
    State.COMPLETE: (*_BEGUN, s.Finish(attempt=1, record=RECORD)),
    State.FAILED: (*_BEGUN, s.Break(attempt=1, failure=Failure(word="DepthNotSupported", message="too deep"))),
}

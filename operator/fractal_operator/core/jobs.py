"""A FractalJob as the operator decides about it: what the API server holds, read once, and nothing beside it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from fractal_api import GROUP, VERSION
from fractal_api.conditions import Condition, find_condition
from fractal_api.errors import SpecError
from fractal_api.jobs import FractalJobSpec, FractalJobStatus
from fractal_api.manifests import parse_job
from fractal_operator.core.names import ARRIVAL, Object

API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "FractalJob"

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A FractalJob; `spec` is None when `problem` says what is wrong with it.

    `arrival` only orders jobs of one second: it is whatever somebody wrote into an annotation.
    """

    namespace: str
    name: str
    uid: str
    version: str
    generation: int = 1
    created: datetime
    arrival: datetime
    deleting: bool = False
    spec: FractalJobSpec | None
    problem: str = ""
    status: FractalJobStatus = field(default_factory=FractalJobStatus)
    manifest_spec: Object = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """Its name for people: namespace/name."""
        return f"{self.namespace}/{self.name}"

    @property
    def attempt(self) -> int:
        """The number of its current or last attempt; 0 before the first."""
        return self.status.attempts

    @property
    def run(self) -> str:
        """The id of its current or last run at an agent."""
        return run_id(self.uid, self.attempt)

    @property
    def world(self) -> str:
        """The world that it was last assigned to; empty when there is none."""
        return self.status.assigned_to or ""

    @property
    def suspended(self) -> bool:
        """Whether its owner holds it back."""
        return self.spec is not None and self.spec.execution.suspend

    @property
    def priority(self) -> int:
        """Its priority."""
        return 0 if self.spec is None else self.spec.execution.priority

    def condition(self, kind: str) -> Condition | None:
        """Its condition of that type."""
        return find_condition(self.status.conditions, kind)

    def with_status(self, status: FractalJobStatus, version: str) -> "Job":
        """The same job with another status."""
        return replace(self, status=status, version=version)


def run_id(uid: str, attempt: int) -> str:
    """The id of a run at an agent."""
    return f"{uid}-{attempt}"


def split_run(run: str) -> tuple[str, int] | None:
    """The uid and attempt of a run's id; None when it is none."""
    uid, _, attempt = run.rpartition("-")
    return (uid, int(attempt)) if uid and attempt.isdecimal() else None


def read_job(manifest: Object) -> Job:
    """The job that an object of the API server is."""
    metadata: dict[str, Any] = manifest["metadata"]
    created = _time(metadata.get("creationTimestamp")) or _EPOCH
    spec, problem = _spec(metadata["name"], manifest.get("spec"))
    return Job(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        version=metadata.get("resourceVersion", ""),
        generation=metadata.get("generation", 1),
        created=created,
        arrival=_time((metadata.get("annotations") or {}).get(ARRIVAL)) or created,
        deleting=bool(metadata.get("deletionTimestamp")),
        spec=spec,
        problem=problem,
        status=_status(manifest.get("status")),
        manifest_spec=manifest.get("spec") or {},
    )


def status_body(job: Job, status: FractalJobStatus) -> Object:
    """The object to be put to the job's /status: refused when the job is not the one that was read."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "namespace": job.namespace,
            "name": job.name,
            "uid": job.uid,
            "resourceVersion": job.version,
        },
        "spec": job.manifest_spec,  # which the API server passes over, here
        "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }


def _spec(name: str, spec: object) -> tuple[FractalJobSpec | None, str]:
    manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}
    try:
        return parse_job(manifest).spec, ""
    except SpecError as error:
        return None, str(error)


def _status(status: object) -> FractalJobStatus:
    """The status; an empty one when somebody else wrote what can't be one: then all is found out anew."""
    try:
        return FractalJobStatus.model_validate(status or {})
    except ValidationError:
        return FractalJobStatus()


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None

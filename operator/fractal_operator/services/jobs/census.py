"""Lists what there is, by our own hand: before the first decision, and now and then, since watches may miss things."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from fractal_operator.core import paths
from fractal_operator.core.jobs import Job, read_job
from fractal_operator.core.names import Object
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.ledger import is_newer
from fractal_operator.services.jobs.ports import Writes

EVERY_S: Final = 600.0


class ApiServer(Writes, Protocol):
    """The part of the API server that the scheduler needs."""

    def pages(self, path: str, *, limit: int = 500, **query: str) -> AsyncIterator[Object]:
        """The collection, as List objects."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Every FractalJob, by uid, at one moment of the API server: its `version`."""

    jobs: Mapping[str, Job]
    version: str

    def lacks(self, job: Job) -> bool:
        """Whether a job that we know was gone by then."""
        return job.uid not in self.jobs and not is_newer(job.version, self.version)


class Census:
    """Counts jobs and their namespaces."""

    def __init__(self, api: ApiServer, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self.next_at = float("-inf")
        """When it is time to list all jobs again."""

    def is_due(self) -> bool:
        """Whether it is that time."""
        return self._clock.monotonic() >= self.next_at

    def done(self) -> None:
        """The scheduler knows all jobs now, and so it isn't time for a while."""
        self.next_at = self._clock.monotonic() + EVERY_S

    async def jobs(self) -> Listed:
        """All jobs."""
        found: dict[str, Job] = {}
        version = ""
        async for page in self._api.pages(paths.ALL_JOBS):
            version = page["metadata"].get("resourceVersion", "")
            found |= {job.uid: job for job in map(read_job, page["items"])}
        return Listed(jobs=found, version=version)

    async def clients(self) -> dict[str, Mapping[str, str] | None]:
        """The labels of all Kubernetes namespaces."""
        found: dict[str, Mapping[str, str] | None] = {}
        async for page in self._api.pages(paths.NAMESPACES):
            found |= {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in page["items"]}
        return found

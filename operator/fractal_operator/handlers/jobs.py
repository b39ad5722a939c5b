"""FractalJobs and the namespaces that they come from: each event goes to the scheduler, which decides.

There is no handler, daemon or timer on FractalJobs beside this one, hence no finalizer and no annotation of kopf's.
"""

from typing import Final, Protocol

import kopf

from fractal_api import GROUP, VERSION
from fractal_api.kinds import JOBS
from fractal_operator.handlers.registry import REGISTRY
from fractal_operator.services.scheduler import Scheduler

FRACTAL_JOBS: Final = (GROUP, VERSION, JOBS.plural)


class JobOffice(Protocol):
    """The part of kopf's memo that these handlers need."""

    @property
    def scheduler(self) -> Scheduler:
        """Who decides about jobs."""
        ...


@kopf.on.event(*FRACTAL_JOBS, registry=REGISTRY)
async def observe_job(event: kopf.RawEvent, memo: JobOffice, **_: object) -> None:
    """Tell the scheduler what became of a FractalJob."""
    memo.scheduler.observe_job(event["type"], dict(event["object"]))


@kopf.on.event("v1", "namespaces", registry=REGISTRY)
async def observe_client(event: kopf.RawEvent, name: str, labels: kopf.Labels, memo: JobOffice, **_: object) -> None:
    """Tell the scheduler which labels a Kubernetes namespace has."""
    gone = event["type"] == "DELETED"
    memo.scheduler.observe_client_namespace(name, None if gone else dict(labels))

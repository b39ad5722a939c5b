"""Waiting for a job's end before a person's eyes."""

from typing import Final

from fractal_console.output import Output
from fractal_operator.cli.cluster import Cluster
from fractal_operator.cli.display import display
from fractal_operator.cli.fetching import fetch
from fractal_operator.cli.following import follow
from fractal_operator.cli.forward import gateway
from fractal_operator.cli.sentences import conclusion, failure
from fractal_operator.cli.showing import picture_of
from fractal_operator.core.job_view import End, JobView


def wait(cluster: Cluster, namespace: str, name: str, *, operator_namespace: str) -> JobView:
    """The job, when it is complete, which is said; JobFailed when it failed, or is gone."""
    with gateway(cluster, operator_namespace) as live, display(f"{namespace}/{name}") as show:
        for job in follow(cluster, namespace, name, live):
            show(job)
    if job.end is not End.COMPLETE:
        raise failure(job)
    print(conclusion(job), flush=True)
    return job


class _Nowhere:
    """Takes a picture that is only shown."""

    def write(self, data: bytes | memoryview) -> None:
        """Forget it."""


NOWHERE: Final[Output] = _Nowhere()


def show_result(cluster: Cluster, job: JobView, *, operator_namespace: str) -> None:
    """Draw the job's picture, where there is a terminal."""
    picture = picture_of(job, wanted=True)
    if picture.thumbnail is None:
        return
    with gateway(cluster, operator_namespace) as door:
        fetch(door, job, NOWHERE, picture.thumbnail)
    picture.draw()

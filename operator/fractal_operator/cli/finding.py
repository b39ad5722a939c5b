"""A job that somebody names, or a sentence that says which one they may have meant."""

import re
from typing import Final

from fractal_api.constraints import DNS_NAME
from fractal_api.errors import FractalError
from fractal_api.sentences import nearest
from fractal_console.problems import UsageError
from fractal_operator.cli.cluster import Cluster
from fractal_operator.cli.problems import Unknown
from fractal_operator.core import paths
from fractal_operator.core.job_view import JobView, view

KINDS: Final = ("fractaljob/", "fractaljobs/", "fj/")
LOOKED_AT: Final = 500


def job_name(text: str) -> str:
    """The name of a job as somebody typed it: fractaljob/NAME is as good as NAME."""
    name = next((text.removeprefix(kind) for kind in KINDS if text.startswith(kind)), text)
    if len(name) > 253 or not re.fullmatch(DNS_NAME, name):
        raise UsageError(f"{text!r} can't be the name of a FractalJob: lower-case letters, digits, '-' and '.' only")
    return name


def find_job(cluster: Cluster, namespace: str, name: str) -> JobView:
    """The job; Unknown with the nearest name when there is none."""
    try:
        return view(cluster.get(f"{paths.jobs(namespace)}/{name}"))
    except Unknown as error:
        hint = _hint(cluster, namespace, name)
        raise Unknown(f"there is no FractalJob {name} in namespace {namespace}{hint}") from error


def _hint(cluster: Cluster, namespace: str, name: str) -> str:
    try:
        items = cluster.get(paths.jobs(namespace), limit=str(LOOKED_AT))["items"]
    except FractalError:  # whoever may not list gets no suggestion
        return ""
    meant = nearest(name, [item["metadata"]["name"] for item in items])
    return f", did you mean {meant}" if meant else ""


def api_path(job: JobView, rest: str = "") -> str:
    """Where the gateway has the job."""
    return f"/v1/namespaces/{job.namespace}/jobs/{job.name}{rest}"

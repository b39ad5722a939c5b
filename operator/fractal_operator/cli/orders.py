"""What `fractal submit` sends: manifests of FractalJobs, each looked at here before anything is sent."""

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fractal_api import GROUP, VERSION
from fractal_api.manifests import dump
from fractal_console.job_files import KIND, STDIN, JobDocument, job_from_args, jobs_in
from fractal_console.problems import UsageError
from fractal_operator.cli.finding import job_name
from fractal_operator.core.names import ARRIVAL, Object

ARGS: Final = f"{GROUP}/args"
"""An annotation: the earlier system's command line that the job was made of."""

OUTPUT_NAME: Final = f"{GROUP}/output-name"
"""An annotation: what the earlier system's command line called the picture's file."""

GENERATE_NAME: Final = "fractal-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A manifest that may be sent."""

    manifest: Object

    @property
    def namespace(self) -> str:
        """Where the job goes; empty when nobody said it."""
        return str(self.manifest["metadata"].get("namespace") or "")

    def within(self, fallback: str) -> "Order":
        """The order, which goes to `fallback` when nobody said where."""
        metadata = {**self.manifest["metadata"], "namespace": self.namespace or fallback}
        return Order(manifest={**self.manifest, "metadata": metadata})


def orders_from_files(files: tuple[str, ...], *, name: str | None, namespace: str | None) -> list[Order]:
    """The jobs of the files, in their order; UsageError on the first mistake in any of them.

    `namespace` is what the command line says; a file that says another contradicts it.
    """
    if files.count(STDIN) > 1:
        raise UsageError("standard input can be read once only")
    found = [document for file in files for document in jobs_in(file)]
    if name is not None and len(found) > 1:
        raise UsageError(f"--name is for one job, and there are {len(found)}")
    return [_order(document, name=name, namespace=namespace) for document in found]


def order_from_args(line: str, *, name: str | None, namespace: str | None) -> Order:
    """The job that the earlier system's command line describes."""
    parsed = job_from_args(line)
    annotations = {ARGS: shlex.join(shlex.split(line))}
    if parsed.output_name:
        annotations[OUTPUT_NAME] = parsed.output_name
    called = {"name": job_name(name)} if name is not None else {"generateName": GENERATE_NAME}
    manifest = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {**called, "namespace": namespace or "", "annotations": annotations},
        "spec": dump(parsed.spec),
    }
    return Order(manifest=manifest)


def stamped(manifest: Object, now: datetime) -> Object:
    """The manifest with its arrival, finer than the second of its creationTimestamp."""
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), ARRIVAL: now.isoformat(timespec="microseconds")}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _order(document: JobDocument, *, name: str | None, namespace: str | None) -> Order:
    job = document.parse()
    said = job.metadata.namespace
    if namespace is not None and said is not None and said != namespace:
        place = document.place_of("metadata.namespace")
        raise UsageError(f"{place}: metadata.namespace is {said}, and the command line says {namespace}")
    manifest = document.manifest
    metadata = {**manifest["metadata"], "namespace": said or namespace or ""}
    if name is not None:
        metadata["name"] = job_name(name)
        metadata.pop("generateName", None)
    manifest.pop("status", None)  # a job that was read from a cluster can be applied again
    return Order(manifest={**manifest, "metadata": metadata})

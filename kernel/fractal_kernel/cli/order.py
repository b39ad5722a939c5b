"""What a person ordered: a picture's spec and its name, from a FractalJob's file or the earlier system's command line.

Every mistake is a UsageError of one sentence that begins with the file, and the line where it is known.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fractal_api.jobs import FractalJob, FractalJobSpec
from fractal_console.job_files import KIND, STDIN, JobDocument, job_from_args, jobs_in
from fractal_console.problems import UsageError
from fractal_kernel.definition import Definition, define
from fractal_kernel.depth import DepthNotSupported

DEFAULT_NAME: Final = "fractal"

ZOOM: Final = "spec.fractal.zoom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A picture that was asked for; `name` is its file's name without the ending, `file_name` with one if given."""

    spec: FractalJobSpec
    definition: Definition
    name: str
    file_name: str | None = None

    @property
    def default_output(self) -> Path:
        """The picture's file in the current folder."""
        return Path(self.file_name or f"{self.name}.png")


def order_from_file(source: str) -> Order:
    """The one FractalJob of a YAML file, or of standard input for "-"."""
    document = _the_only(jobs_in(source))
    job = document.parse()
    try:
        return Order(spec=job.spec, definition=define(job.spec), name=_name(job, source))
    except DepthNotSupported as error:
        raise UsageError(f"{document.place_of(ZOOM)}: {error}") from error


def order_from_args(line: str) -> Order:
    """The picture that the earlier system's command line describes, quoted as a shell would."""
    parsed = job_from_args(line)
    return Order(spec=parsed.spec, definition=define(parsed.spec), name=DEFAULT_NAME, file_name=parsed.output_name)


def _the_only(jobs: list[JobDocument]) -> JobDocument:
    """The only FractalJob of a file that has at least one."""
    if len(jobs) == 1:
        return jobs[0]
    lines = ", ".join(str(job.line) for job in jobs)
    raise UsageError(f"{jobs[0].place}: there are {len(jobs)} {KIND}s (in lines {lines}); give each a file of its own")


def _name(job: FractalJob, source: str) -> str:
    """The picture's name: the job's, or its file's where the API server would make one up."""
    if job.metadata.name:
        return job.metadata.name
    return DEFAULT_NAME if source == STDIN else Path(source).stem

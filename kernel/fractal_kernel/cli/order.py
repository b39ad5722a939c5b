"""What a person ordered: a picture's spec and its name, from a FractalJob's file or the earlier system's command line.

Every mistake is a UsageError of one sentence that begins with the file, and the line where it is known.
"""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fractal_api import GROUP
from fractal_api.args import spec_from_args
from fractal_api.errors import SpecError
from fractal_api.jobs import FractalJob, FractalJobSpec
from fractal_api.manifests import parse_job
from fractal_kernel.cli.problems import UsageError
from fractal_kernel.cli.strict_yaml import Document, YamlError, documents
from fractal_kernel.definition import Definition, define
from fractal_kernel.depth import DepthNotSupported

KIND: Final = "FractalJob"
STDIN: Final = "-"
MAX_BYTES: Final = 1 << 20
"""A FractalJob beyond this doesn't fit into the API server's store (etcd: 1.5 MiB a request) either."""

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
    place = "standard input" if source == STDIN else source
    try:
        document = _the_job(documents(_text(source, place)))
    except YamlError as error:
        raise UsageError(f"{_at(place, error.line)}: {error}") from error
    except LookupError as error:
        raise UsageError(f"{place}: {error.args[0]}") from error
    try:
        job = parse_job(document.value)
        return Order(spec=job.spec, definition=define(job.spec), name=_name(job, source))
    except SpecError as error:
        raise UsageError(f"{_at(place, document.line_of(error.field))}: {error}") from error
    except DepthNotSupported as error:
        raise UsageError(f"{_at(place, document.line_of(ZOOM))}: {error}") from error


def order_from_args(line: str) -> Order:
    """The picture that the earlier system's command line describes, quoted as a shell would."""
    try:
        parsed = spec_from_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"--args: {str(error).lower()}") from error
    except SpecError as error:
        raise UsageError(f"--args: {error}") from error
    spec = parsed.spec
    return Order(spec=spec, definition=define(spec), name=DEFAULT_NAME, file_name=parsed.output_name)


def _text(source: str, place: str) -> str:
    """The text of a file, UTF-8 with or without a byte order mark."""
    data = _bytes(source)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{place}: this file is larger than 1 MiB, and so no {KIND}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{_at(place, line)}: this is not UTF-8 text") from error


def _bytes(source: str) -> bytes:
    if source == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with Path(source).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"can't read {source}: {(error.strerror or type(error).__name__).lower()}") from error


def _the_job(found: list[Document]) -> Document:
    """The only FractalJob among the documents; LookupError with a sentence when there is none, or several."""
    jobs = [document for document in found if _kind(document.value) == KIND]
    match jobs, found:
        case [job], _:
            return job
        case [], []:
            raise LookupError(f"this file is empty; a {KIND} was expected")
        case [], [only]:
            raise LookupError(f"this is {_described(only.value)}; a {KIND} (apiVersion {GROUP}/…) was expected")
        case [], _:
            raise LookupError(f"none of the {len(found)} documents is a {KIND}")
    lines = ", ".join(str(job.line_of("")) for job in jobs)
    raise LookupError(f"there are {len(jobs)} FractalJobs (in lines {lines}); give each a file of its own")


def _kind(value: object) -> object:
    return value.get("kind") if isinstance(value, Mapping) else None


def _described(value: object) -> str:
    match value:
        case {"kind": str(kind)}:
            return f"of the kind {kind}"
        case Mapping():
            return "a mapping without a kind"
        case _:
            return f"a {type(value).__name__}"


def _name(job: FractalJob, source: str) -> str:
    """The picture's name: the job's, or its file's where the API server would make one up."""
    if job.metadata.name:
        return job.metadata.name
    return DEFAULT_NAME if source == STDIN else Path(source).stem


def _at(place: str, line: int) -> str:
    return f"{place}:{line}" if line else place

"""FractalJobs that a person names on a command line: of YAML files, or as the earlier system's command line.

Every mistake is a UsageError of one sentence that begins with the file, and the line where it is known.
"""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fractal_api import GROUP
from fractal_api.args import ParsedArgs, spec_from_args
from fractal_api.errors import SpecError
from fractal_api.jobs import FractalJob
from fractal_api.manifests import parse_job
from fractal_console.problems import UsageError
from fractal_console.strict_yaml import Document, YamlError, documents

KIND: Final = "FractalJob"
STDIN: Final = "-"
MAX_BYTES: Final = 1 << 20
"""A FractalJob beyond this doesn't fit into the API server's store (etcd: 1.5 MiB a request) either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDocument:
    """A document of the kind FractalJob in a file; nothing else about it is known to be right."""

    place: str
    document: Document

    @property
    def manifest(self) -> dict[str, Any]:
        """The document as JSON values."""
        return dict(self.document.value)

    @property
    def line(self) -> int:
        """Where the document begins."""
        return self.document.line_of("")

    def place_of(self, field: str) -> str:
        """The file, and the line of the field at a dotted path."""
        return _at(self.place, self.document.line_of(field))

    def parse(self) -> FractalJob:
        """The job; UsageError on the first mistake in it."""
        try:
            return parse_job(self.document.value)
        except SpecError as error:
            raise UsageError(f"{self.place_of(error.field)}: {error}") from error


def jobs_in(source: str) -> list[JobDocument]:
    """The FractalJobs of a YAML file, or of standard input for "-": one at least, or UsageError."""
    place = "standard input" if source == STDIN else source
    try:
        found = documents(_text(source, place))
    except YamlError as error:
        raise UsageError(f"{_at(place, error.line)}: {error}") from error
    jobs = [JobDocument(place=place, document=document) for document in found if _kind(document.value) == KIND]
    if not jobs:
        raise UsageError(f"{place}: {_no_job(found)}")
    return jobs


def job_from_args(line: str) -> ParsedArgs:
    """The picture that the earlier system's command line describes, quoted as a shell would."""
    try:
        return spec_from_args(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"--args: {str(error).lower()}") from error
    except SpecError as error:
        raise UsageError(f"--args: {error}") from error


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


def _no_job(found: list[Document]) -> str:
    """What is in a file instead of a FractalJob."""
    match found:
        case []:
            return f"this file is empty; a {KIND} was expected"
        case [only]:
            return f"this is {_described(only.value)}; a {KIND} (apiVersion {GROUP}/…) was expected"
        case _:
            return f"none of the {len(found)} documents is a {KIND}"


def _kind(value: object) -> object:
    return value.get("kind") if isinstance(value, Mapping) else None


def _described(value: object) -> str:
    match value:
        case {"kind": str(kind)}:
            return f"of the kind {kind}"
        case Mapping():
            return "a mapping without a kind"
        case list():
            return "a list"
        case str():
            return "a text"
        case _:
            return "a single value"


def _at(place: str, line: int) -> str:
    return f"{place}:{line}" if line else place

"""The log of a pod, line by line with the time of each, so that a stream that broke is taken up where it ended."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fractal_operator.adapters.api import Api
from fractal_operator.core import paths

FIRST_LINES: Final = "100"
"""How many lines a new reader gets of what was said before it came; the rest is history."""


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """When a line was written: seconds since 1970, and nanoseconds, which no datetime holds."""

    seconds: int
    nanoseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a log."""

    at: Stamp
    text: bytes


async def follow(api: Api, namespace: str, pod: str, *, after: Stamp | None) -> AsyncGenerator[Line, None]:
    """The lines written after that stamp, as they come, until the container or the connection ends.

    Lines without a time, which a kubelet doesn't write, are passed over.
    """
    path = f"{paths.pods(namespace)}/{pod}/log"
    if after is None:
        found = api.lines(path, follow="true", timestamps="true", tailLines=FIRST_LINES)
    else:
        # To the second: what was heard of it already is told apart below.
        since = datetime.fromtimestamp(after.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = api.lines(path, follow="true", timestamps="true", sinceTime=since)
    async with aclosing(found) as lines:
        async for raw in lines:
            line = parse_line(raw)
            if line is not None and (after is None or line.at > after):
                yield line


def parse_line(raw: bytes) -> Line | None:
    """The line behind its time; None when there is no time before it."""
    head, _, text = raw.partition(b" ")
    stamp = parse_stamp(head.decode(errors="replace"))
    return Line(at=stamp, text=text) if stamp is not None else None


def parse_stamp(text: str) -> Stamp | None:
    """The stamp of a time as RFC 3339 has it, with up to nine digits behind the second."""
    whole, point, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :]
    try:
        moment = datetime.fromisoformat(whole + zone)
    except ValueError:
        return None
    if moment.tzinfo is None or (point and not digits) or len(digits) > 9:
        return None
    return Stamp(int(moment.timestamp()), int(digits.ljust(9, "0")) if digits else 0)

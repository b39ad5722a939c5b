"""What the command line of `fractal render` asks for, checked before anything is rendered."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from fractal_console.problems import UsageError
from fractal_kernel.cli.order import Order, order_from_args, order_from_file

STDIN_OR_STDOUT: Final = "-"


class Options(TypedDict):
    """The command line, as click hands it over."""

    source: str | None
    line: str | None
    output: str | None
    counts: str | None
    show: bool
    threads: int | None
    ranks: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for; `png` is None for standard output.

    `threads` and `ranks` are None where nobody said who is to render.
    """

    order: Order
    png: Path | None
    counts: Path | None
    show: bool
    threads: int | None
    ranks: int | None


def request_from(options: Options) -> Request:
    """What the options ask for; UsageError when they contradict each other or the order is bad."""
    order = _order(options["source"], options["line"])
    request = Request(
        order=order,
        png=_png_path(order, options["output"]),
        counts=_counts_path(options["counts"]),
        show=options["show"],
        threads=options["threads"],
        ranks=options["ranks"],
    )
    _check_ranks(request)
    _check_places(request, options["source"])
    return request


def _order(source: str | None, line: str | None) -> Order:
    match source, line:
        case str(), None:
            return order_from_file(source)
        case None, str():
            return order_from_args(line)
        case None, None:
            raise UsageError("a file is needed, or --args")
    raise UsageError("a file and --args can't both say what to render")


def _png_path(order: Order, output: str | None) -> Path | None:
    match output:
        case None:
            return order.default_output
        case "-":
            return None
        case "":
            raise UsageError("-o needs a file name, or - for standard output")
    return Path(output)


def _check_ranks(request: Request) -> None:
    """UsageError where ranks can't do what is asked for."""
    if request.ranks is not None and request.threads is not None:
        raise UsageError("-n and --threads can't both say who renders")
    if request.ranks is not None and request.counts is not None:
        raise UsageError("--counts is written by threads of one process: leave -n out")


def _counts_path(counts: str | None) -> Path | None:
    if counts in ("", STDIN_OR_STDOUT):
        raise UsageError("--counts needs a file name")
    return None if counts is None else Path(counts)


def _check_places(request: Request, source: str | None) -> None:
    """UsageError where results would overwrite each other or the order, or fill a terminal with bytes."""
    if request.png is None and sys.__stdout__ is None:
        raise UsageError("-o - writes a PNG file to standard output, which is closed here")
    if request.png is None and sys.stdout.isatty():
        raise UsageError("-o - writes a PNG file to standard output, which is a terminal here: redirect it")
    places = [place.resolve() for place in (request.png, request.counts) if place is not None]
    if len(places) != len(set(places)):
        raise UsageError("the picture and its counts can't be the same file")
    if source and source != STDIN_OR_STDOUT and Path(source).resolve() in places:
        raise UsageError(f"{source} is the order itself, and would be overwritten")

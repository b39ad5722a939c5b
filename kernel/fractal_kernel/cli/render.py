"""`fractal render`: the picture of a FractalJob, here and now, without a cluster."""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from fractal_api.canonical import canonical_spec
from fractal_kernel.cli import show
from fractal_kernel.cli.instructions import SLOW, chosen_instructions
from fractal_kernel.cli.invoke import run_click
from fractal_kernel.cli.order import Order, order_from_args, order_from_file
from fractal_kernel.cli.problems import UsageError
from fractal_kernel.cli.progress_bar import progress_bar
from fractal_kernel.cli.termination import unwound_by_signals
from fractal_kernel.definition import define
from fractal_kernel.escape.grid import Instructions
from fractal_kernel.image.provenance import texts
from fractal_kernel.image.thumbnail import Thumbnail
from fractal_kernel.output import Output, StandardOutput, WholeFile
from fractal_kernel.render import LocalRenderer, Rendered, Renderer, Sinks

STDOUT: Final = "-"
MAX_THREADS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for; `png` is None for standard output."""

    order: Order
    png: Path | None
    counts: Path | None
    show: bool
    threads: int


class Options(TypedDict):
    """The command line, as click hands it over."""

    source: str | None
    line: str | None
    output: str | None
    counts: str | None
    show: bool
    threads: int | None


@click.command(name="render", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="[FILE.yaml|-]", required=False)
@click.option("--args", "line", metavar='"…"', help="Render what this command line of the earlier system describes.")
@click.option("-o", "--output", metavar="OUT.png|-", help="The picture's file, or - for standard output.")
@click.option("--counts", metavar="FILE.npy", help="Write the escape counts too: int64, rows from the top, -1 inside.")
@click.option("--show", is_flag=True, help="Draw the picture in the terminal as well.")
@click.option("--threads", type=click.IntRange(1, MAX_THREADS), help="Threads that render; one a processor by default.")
def command(**options: Unpack[Options]) -> None:
    """Render a FractalJob into a PNG file.

    Without -o, the file is called like the job, and lies in the current folder.
    """
    request = _request(options)
    _check_places(request, options["source"])
    with unwound_by_signals():
        _carry_out(request)


def main(argv: list[str]) -> int:
    """Render a FractalJob here, without a cluster."""
    return run_click(command, argv)


def _request(options: Options) -> Request:
    order = _order(options["source"], options["line"])
    counts = options["counts"]
    return Request(
        order=order,
        png=_png_path(order, options["output"]),
        counts=None if counts is None else Path(counts),
        show=options["show"],
        threads=options["threads"] or len(os.sched_getaffinity(0)),
    )


def _order(source: str | None, line: str | None) -> Order:
    match source, line:
        case str(), None:
            return order_from_file(source)
        case None, str():
            return order_from_args(line)
        case None, None:
            raise click.UsageError("a file is needed, or --args")
    raise click.UsageError("a file and --args can't both say what to render")


def _png_path(order: Order, output: str | None) -> Path | None:
    match output:
        case None:
            return order.default_output
        case "-":
            return None
        case "":
            raise click.UsageError("-o needs a file name, or - for standard output")
    return Path(output)


def _check_places(request: Request, source: str | None) -> None:
    """UsageError where results would overwrite each other or the order, or fill a terminal with bytes."""
    if request.png is None and sys.stdout.isatty():
        raise UsageError("-o - writes a PNG file to standard output, which is a terminal here: redirect it")
    places = [place.resolve() for place in (request.png, request.counts) if place is not None]
    if len(places) != len(set(places)):
        raise UsageError("the picture and its counts can't be the same file")
    if source and source != STDOUT and Path(source).resolve() in places:
        raise UsageError(f"{source} is the order itself, and would be overwritten")


def _carry_out(request: Request) -> None:
    """Render, show, and say where the picture is."""
    if chosen_instructions() is Instructions.LIBM and not request.order.spec.legacy:
        print(f"fractal: {SLOW}", file=sys.stderr)
    renderer = _renderer(request)
    thumbnail = _thumbnail(request)
    with ExitStack() as files:
        sinks = Sinks(
            png=_sink(files, request.png) or StandardOutput(),
            counts=_sink(files, request.counts),
            thumbnail=thumbnail,
        )
        with progress_bar(str(request.png or request.order.name)) as watch:
            rendered = renderer.run(sinks, watch)
    if thumbnail is not None:
        for row in show.half_blocks(thumbnail.rgb, true_color=show.has_true_color(os.environ)):
            print(row)
    _report(request, rendered)


def _renderer(request: Request) -> Renderer:
    """Who renders."""
    spec = request.order.spec
    return LocalRenderer(definition=define(spec), texts=texts(canonical_spec(spec)), threads=request.threads)


def _sink(files: ExitStack, path: Path | None) -> Output | None:
    return None if path is None else files.enter_context(WholeFile(path))


def _thumbnail(request: Request) -> Thumbnail | None:
    """What `--show` draws; nothing where standard output is no terminal."""
    terminal = show.terminal() if request.show else None
    image = request.order.spec.image
    return None if terminal is None else show.fitting(image.width, image.height, show.screen_of(terminal))


def _report(request: Request, rendered: Rendered) -> None:
    """Where the picture is and what it took; on standard error when standard output holds the picture."""
    image = request.order.spec.image
    stream = sys.stderr if request.png is None else sys.stdout
    print(
        f"{request.png or 'standard output'}  {image.width}×{image.height}, {rendered.max_iterations:,} iterations, "
        f"{rendered.seconds:.1f} s, sha256 of pixels {rendered.pixels_sha256}",
        file=stream,
    )
    if request.counts is not None:
        print(f"{request.counts}  {image.height}×{image.width} escape counts, int64", file=stream)

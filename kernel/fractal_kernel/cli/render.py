"""`fractal render`: the picture of a FractalJob, here and now, without a cluster."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Unpack

import click

from fractal_console import show
from fractal_console.invoke import run_click
from fractal_console.output import Output, StandardOutput, WholeFile
from fractal_console.termination import unwound_by_signals
from fractal_console.thumbnail import Thumbnail
from fractal_kernel.cli.instructions import SLOW, chosen_instructions
from fractal_kernel.cli.progress_bar import progress_bar
from fractal_kernel.cli.renderers import renderer_for
from fractal_kernel.cli.request import Options, Request, request_from
from fractal_kernel.render import Rendered, Sinks

MAX_THREADS: Final = 1024
MAX_RANKS: Final = 1024


@click.command(name="render", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="[FILE.yaml|-]", required=False)
@click.option("--args", "line", metavar='"…"', help="Render what this command line of the earlier system describes.")
@click.option("-o", "--output", metavar="OUT.png|-", help="The picture's file, or - for standard output.")
@click.option("--counts", metavar="FILE.npy", help="Write the escape counts too: int64, rows from the top, -1 inside.")
@click.option("--show", is_flag=True, help="Draw the picture in the terminal as well.")
@click.option("--threads", type=click.IntRange(1, MAX_THREADS), help="Render by so many threads of this process.")
@click.option("-n", "--ranks", type=click.IntRange(1, MAX_RANKS), help="Render by so many processes, through MPI.")
def command(**options: Unpack[Options]) -> None:
    """Render a FractalJob into a PNG file.

    Without -o, the file is called like the job, and lies in the current folder.

    What ranks have rendered survives an interruption, and the next call goes on from there. Without -n and --threads,
    a picture that takes long is rendered by one rank a processor where there is an Open MPI, and by threads otherwise.
    """
    request = request_from(options)
    with unwound_by_signals():
        _carry_out(request)


def main(argv: list[str]) -> int:
    """Render a FractalJob here, without a cluster."""
    return run_click(command, argv)


def _carry_out(request: Request) -> None:
    """Render, show, and say where the picture is."""
    if chosen_instructions().calls_libm and not request.order.spec.legacy:
        print(f"fractal: {SLOW}", file=sys.stderr)
    renderer = renderer_for(request)
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

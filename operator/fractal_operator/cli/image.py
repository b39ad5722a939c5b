"""`fractal image`: a finished picture, from the cluster into a file."""

import sys
from pathlib import Path
from typing import Any

import click

from fractal_console.invoke import run_click
from fractal_console.output import StandardOutput, WholeFile
from fractal_console.problems import UsageError
from fractal_console.termination import unwound_by_signals
from fractal_operator.cli.fetching import fetch
from fractal_operator.cli.finding import find_job, job_name
from fractal_operator.cli.forward import gateway
from fractal_operator.cli.options import SETTINGS, Place, on_a_cluster, place_from
from fractal_operator.cli.showing import picture_of


@click.command(name="image", context_settings=SETTINGS)
@click.argument("name")
@click.option("-o", "--output", metavar="OUT.png|-", help="The picture's file, or - for standard output.")
@click.option("--show", is_flag=True, help="Draw the picture in the terminal as well.")
@on_a_cluster
def command(name: str, output: str | None, show: bool, **options: Any) -> None:  # noqa: ANN401 - as click hands them over
    """Fetch the picture of a FractalJob.

    Without -o, the file is called like the job, and lies in the current folder. It appears whole or not at all, and its
    SHA-256 is the one that the job's status says.
    """
    called = job_name(name)
    path = _path(output, called)
    with unwound_by_signals():
        _fetch(place_from(options), called, path, show=show)


def main(argv: list[str]) -> int:
    """Fetch the picture of a FractalJob."""
    return run_click(command, argv)


def _path(output: str | None, name: str) -> Path | None:
    """The picture's file; None for standard output."""
    match output:
        case None:
            return Path(f"{name}.png")
        case "":
            raise UsageError("-o needs a file name, or - for standard output")
        case "-":
            if sys.__stdout__ is None or sys.stdout.isatty():
                raise UsageError("-o - writes a PNG file to standard output, which is a terminal here: redirect it")
            return None
    return Path(output)


def _fetch(place: Place, name: str, path: Path | None, *, show: bool) -> None:
    cluster = place.cluster()
    job = find_job(cluster, cluster.namespace, name)
    picture = picture_of(job, show)
    with gateway(cluster, place.operator_namespace) as door:
        if path is None:
            size = fetch(door, job, StandardOutput(), picture.thumbnail)
        else:
            with WholeFile(path) as file:
                size = fetch(door, job, file, picture.thumbnail)
    picture.draw()
    result = job.status.result
    pixels = f"{result.width}×{result.height}, " if result is not None else ""
    print(f"{path or 'standard output'}  {pixels}{size:,} bytes", file=sys.stderr if path is None else sys.stdout)

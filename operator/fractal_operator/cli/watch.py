"""`fractal watch`: how far a job is, until it has ended."""

from typing import Any

import click

from fractal_console.invoke import run_click
from fractal_operator.cli.finding import job_name
from fractal_operator.cli.options import SETTINGS, on_a_cluster, place_from
from fractal_operator.cli.waiting import show_result, wait


@click.command(name="watch", context_settings=SETTINGS)
@click.argument("name")
@click.option("--show", is_flag=True, help="Draw the picture in the terminal at the end.")
@on_a_cluster
def command(name: str, show: bool, **options: Any) -> None:  # noqa: ANN401 - as click hands them over
    """Watch a FractalJob until it has ended.

    The exit code is 0 when it completes, and 1 when it fails. Ctrl-C stops watching; the job goes on.
    """
    called = job_name(name)
    place = place_from(options)
    cluster = place.cluster()
    job = wait(cluster, cluster.namespace, called, operator_namespace=place.operator_namespace)
    if show:
        show_result(cluster, job, operator_namespace=place.operator_namespace)


def main(argv: list[str]) -> int:
    """Watch a FractalJob until it has ended."""
    return run_click(command, argv)

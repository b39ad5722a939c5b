"""`fractal submit`: FractalJobs of files, looked at here, then given to a cluster."""

import sys
from datetime import UTC, datetime
from typing import Any

import click

from fractal_api.errors import FractalError
from fractal_console.invoke import run_click
from fractal_console.problems import UsageError
from fractal_operator.cli.cluster import Cluster
from fractal_operator.cli.options import SETTINGS, Place, on_a_cluster, place_from
from fractal_operator.cli.orders import Order, order_from_args, orders_from_files, stamped
from fractal_operator.cli.problems import Taken, Unknown
from fractal_operator.cli.waiting import show_result, wait
from fractal_operator.core import paths
from fractal_operator.core.job_view import view


@click.command(name="submit", context_settings=SETTINGS)
@click.argument("files", metavar="[FILE.yaml|-]...", nargs=-1)
@click.option("--args", "line", metavar='"…"', help="Submit what this command line of the earlier system describes.")
@click.option("--name", metavar="NAME", help="The job's name, instead of what its file says.")
@click.option("-w", "--wait", "waits", is_flag=True, help="Watch the jobs until they have ended.")
@click.option("--show", is_flag=True, help="Wait, and draw the pictures in the terminal.")
@on_a_cluster
def command(**options: Any) -> None:  # noqa: ANN401 - as click hands them over
    """Submit FractalJobs to a cluster.

    Every file is checked before anything is sent: one mistake, and no job is made.
    """
    place = place_from(options)
    orders, cluster = _orders(place, options["files"], options["line"], options["name"])
    jobs = [_submit(cluster, order) for order in orders]
    if options["waits"] or options["show"]:
        _wait(place, cluster, jobs, show=options["show"])


def main(argv: list[str]) -> int:
    """Submit FractalJobs to a cluster."""
    return run_click(command, argv)


def _orders(place: Place, files: tuple[str, ...], line: str | None, name: str | None) -> tuple[list[Order], Cluster]:
    """What is to be submitted, and where; the files are read before the cluster is asked for anything."""
    if files and line is not None:
        raise UsageError("files and --args can't both say what to submit")
    if not files and line is None:
        raise UsageError("a file is needed, or --args")
    namespace = place.choice.namespace
    if line is None:
        orders = orders_from_files(files, name=name, namespace=namespace)
    else:
        orders = [order_from_args(line, name=name, namespace=namespace)]
    cluster = place.cluster()
    return [order.within(cluster.namespace) for order in orders], cluster


def _submit(cluster: Cluster, order: Order) -> tuple[str, str]:
    """The namespace and name of the job that was made."""
    manifest = stamped(order.manifest, datetime.now(UTC))
    try:
        made = view(cluster.create(paths.jobs(order.namespace), manifest))
    except Taken as error:
        taken = f"FractalJob {order.namespace}/{manifest['metadata']['name']}"
        raise Taken(f"{taken} is there already: give this one another --name, or delete that one first") from error
    except Unknown as error:
        raise Unknown(f"there is no namespace {order.namespace}: kubectl create namespace {order.namespace}") from error
    print(f"fractaljob/{made.name} submitted to {made.namespace}", flush=True)
    return made.namespace, made.name


def _wait(place: Place, cluster: Cluster, jobs: list[tuple[str, str]], *, show: bool) -> None:
    """Watch one job after the other; the first failure is told when all have ended, the others at once."""
    failures: list[FractalError] = []
    for namespace, name in jobs:
        try:
            job = wait(cluster, namespace, name, operator_namespace=place.operator_namespace)
        except FractalError as error:
            if failures:
                print(f"fractal: {error}", file=sys.stderr)
            failures.append(error)
            continue
        if show:
            show_result(cluster, job, operator_namespace=place.operator_namespace)
    if failures:
        raise failures[0]

"""`fractal logs`: what a world's log says about a job."""

import http.client
import json
import sys
from http import HTTPStatus
from typing import Any

import click

from fractal_console.invoke import run_click
from fractal_operator.cli.finding import api_path, find_job, job_name
from fractal_operator.cli.forward import gateway
from fractal_operator.cli.options import SETTINGS, on_a_cluster, place_from
from fractal_operator.cli.problems import ClusterAway, Refused


@click.command(name="logs", context_settings=SETTINGS)
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line, for programs.")
@on_a_cluster
def command(name: str, follow: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - as click hands them over
    """Print what the log of its world says about a FractalJob."""
    called = job_name(name)
    place = place_from(options)
    cluster = place.cluster()
    job = find_job(cluster, cluster.namespace, called)
    query = f"/logs?follow={str(follow).lower()}&format={'json' if as_json else 'text'}"
    with gateway(cluster, place.operator_namespace) as door:
        _print(door.get(api_path(job, query), patient=follow))


def main(argv: list[str]) -> int:
    """Print what the log of its world says about a FractalJob."""
    return run_click(command, argv)


def _print(response: http.client.HTTPResponse) -> None:
    if response.status != HTTPStatus.OK:
        raise Refused(_message(response))
    try:
        while line := response.readline():
            sys.stdout.write(line.decode(errors="replace"))
            sys.stdout.flush()
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        if isinstance(error, BrokenPipeError):  # whoever reads our output has gone
            raise
        raise ClusterAway("the log broke off: the gateway went away") from error


def _message(response: http.client.HTTPResponse) -> str:
    try:
        return str(json.loads(response.read())["message"])
    except (ValueError, KeyError):
        return f"the gateway answers {response.status}"

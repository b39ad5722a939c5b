"""The options that every command about a cluster has."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from fractal_api.constraints import DNS_LABEL
from fractal_console.problems import UsageError
from fractal_operator.cli.cluster import Cluster
from fractal_operator.cli.kubeconfig import Choice
from fractal_operator.core.names import OPERATOR_NAMESPACE

LONGEST_LABEL: Final = 63

SETTINGS: Final = {"help_option_names": ["-h", "--help"]}

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which cluster, and where in it."""

    choice: Choice
    operator_namespace: str

    def cluster(self) -> Cluster:
        """The cluster; NoCluster when the kubeconfig knows none."""
        return Cluster(self.choice)


def on_a_cluster(function: Function) -> Function:
    """Give a command the options that say which cluster; `place_from` reads them."""
    for option in (
        click.option(
            "--operator-namespace",
            metavar="NS",
            default=OPERATOR_NAMESPACE,
            envvar="FRACTAL_OPERATOR_NAMESPACE",
            show_default=True,
            help="The namespace of the gateway.",
        ),
        click.option("--kubeconfig", metavar="FILE", help="The kubeconfig, instead of KUBECONFIG or ~/.kube/config."),
        click.option("--context", metavar="NAME", help="The context of the kubeconfig, instead of its current one."),
        click.option("-n", "--namespace", metavar="NS", help="The job's namespace, instead of the context's."),
    ):
        function = option(function)
    return function


def place_from(options: dict[str, Any]) -> Place:
    """What the options of `on_a_cluster` say; they are taken out of `options`."""
    choice = Choice(
        kubeconfig=options.pop("kubeconfig"),
        context=options.pop("context"),
        namespace=_namespace("--namespace", options.pop("namespace")),
    )
    operator_namespace = _namespace("--operator-namespace", options.pop("operator_namespace"))
    return Place(choice=choice, operator_namespace=operator_namespace or OPERATOR_NAMESPACE)


def _namespace(option: str, text: str | None) -> str | None:
    """The option's value, which becomes a part of paths."""
    if text and not (len(text) <= LONGEST_LABEL and re.fullmatch(DNS_LABEL, text)):
        raise UsageError(
            f"{option}: {text!r} can't be the name of a namespace: lower-case letters, digits and '-' only"
        )
    return text

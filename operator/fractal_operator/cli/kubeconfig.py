"""Where the cluster is, and who we are there, as kubectl would know it."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fractal_operator.cli.problems import NoCluster

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

VARIABLE: Final = "KUBECONFIG"
HOME: Final = "~/.kube/config"
DEFAULT_NAMESPACE: Final = "default"
USER_AGENT: Final = "fractal"

MISSING: Final = (
    "talking to a cluster needs the Python package kubernetes, which is not installed here: "
    "pip install 'clusteredfractals[operator]', or `make product` in a checkout"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the command line says about the cluster; None is what the kubeconfig says."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A client of the API server of a context."""

    client: "ApiClient"
    context: str
    namespace: str
    """The namespace of the context."""


def connect(choice: Choice) -> Connection:
    """The cluster of the kubeconfig; NoCluster when there is none, or not this context."""
    try:
        # In here: it takes a quarter of a second, and isn't there in every installation.
        from kubernetes import client, config  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise NoCluster(MISSING) from error

    places = choice.kubeconfig or os.environ.get(VARIABLE) or HOME
    _look(places, choice.kubeconfig is not None)
    configuration = client.Configuration()
    configuration.retries = False  # a cluster that isn't there should be told about at once, and once
    try:
        contexts, active = config.list_kube_config_contexts(places)
        context = _context(contexts, active, choice.context)
        with _complaints() as complaints:
            config.load_kube_config(
                places, context=context["name"], client_configuration=configuration, persist_config=False
            )
        made = client.ApiClient(configuration)
    except NoCluster:
        raise
    except Exception as error:
        raise NoCluster(f"the kubeconfig {places} can't be used: {_words(error)}") from error
    if complaints:
        raise NoCluster(f"the kubeconfig {places} can't be used: its login program failed: {_short(complaints[0])}")
    made.user_agent = USER_AGENT
    namespace = (context.get("context") or {}).get("namespace") or DEFAULT_NAMESPACE
    return Connection(client=made, context=context["name"], namespace=namespace)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What the client library says of a login program (exec) that fails: it logs that, and goes on as nobody."""
    found: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    ear = Ear(level=logging.ERROR)
    logging.getLogger().addHandler(ear)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(ear)


def _words(error: Exception) -> str:
    """Why; what the library stumbles over when a file isn't built as a kubeconfig is of no use to anybody."""
    if isinstance(error, TypeError | AttributeError | KeyError):
        return "it isn't built as a kubeconfig"
    return _short(str(error)) or type(error).__name__


def _short(text: str) -> str:
    return " ".join(text.split())[:300]


def _look(places: str, named: bool) -> None:
    """NoCluster when there is none of the files."""
    files = [Path(place).expanduser() for place in places.split(os.pathsep) if place]
    if any(file.exists() for file in files):
        return
    remedy = "" if named else f"; set {VARIABLE}, or use --kubeconfig"
    raise NoCluster(f"there is no kubeconfig at {places}{remedy}")


def _context(contexts: list[dict[str, Any]], active: dict[str, Any] | None, wanted: str | None) -> dict[str, Any]:
    if wanted is None:
        if active is None:
            raise NoCluster("the kubeconfig has no current context: kubectl config use-context NAME, or use --context")
        return active
    for context in contexts:
        if context["name"] == wanted:
            return context
    known = ", ".join(sorted(context["name"] for context in contexts)) or "none"
    raise NoCluster(f"the kubeconfig has no context {wanted!r}; it has {known}")

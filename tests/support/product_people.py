"""Somebody of a test's own on the installed product: a ServiceAccount with a token, and what it is allowed."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from cluster_harness.kubectl import Kubectl
from support.product import Product
from support.terminal import START


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a kubeconfig, in a folder where their files lie."""

    name: str
    kubectl: Kubectl
    kubeconfig: Path
    token: str

    @property
    def user(self) -> str:
        """Who they are to the API server."""
        return f"system:serviceaccount:{self.kubectl.namespace}:{self.name}"

    def fractal(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """`fractal …` as they would type it."""
        return subprocess.run(
            [*START, *arguments],
            cwd=self.kubeconfig.parent,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a shell of theirs."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}


def administrator(installed: Product, kubectl: Kubectl, folder: Path) -> Person:
    """Who may everything, with the test's namespace as the one of the context."""
    content = yaml.safe_load(installed.cluster.kubeconfig.read_text())
    content["contexts"][0]["context"]["namespace"] = kubectl.namespace
    return Person(name="admin", kubectl=kubectl, kubeconfig=_written(folder, content), token="")


@contextmanager
def somebody(installed: Product, kubectl: Kubectl, folder: Path, *, role: str | None) -> Iterator[Person]:
    """Somebody new in the test's namespace, who has that ClusterRole there, for as long as the context lasts."""
    name = f"somebody-{secrets.token_hex(3)}"
    kubectl("create", "serviceaccount", name)
    if role is not None:
        kubectl("create", "rolebinding", name, f"--clusterrole={role}", f"--serviceaccount={kubectl.namespace}:{name}")
    token = kubectl("create", "token", name, "--duration=1h").strip()
    content = yaml.safe_load(installed.cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": token}
    content["contexts"][0]["context"]["namespace"] = kubectl.namespace
    try:
        yield Person(name=name, kubectl=kubectl, kubeconfig=_written(folder, content), token=token)
    finally:
        kubectl("delete", "serviceaccount", name, "--wait=false")
        installed.home("delete", "rolebinding", name, "--ignore-not-found")


def let_forward(installed: Product, person: Person) -> None:
    """Give them the Role for port-forwards to the gateway; it is taken back with the person."""
    account = f"{person.kubectl.namespace}:{person.name}"
    installed.home("create", "rolebinding", person.name, "--role=fractal-port-forward", f"--serviceaccount={account}")


def _written(folder: Path, content: object) -> Path:
    file = folder / "kubeconfig.yaml"
    file.write_text(yaml.safe_dump(content))
    return file

"""FractalNamespaces of a test's own, small ones, and what they consist of."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from cluster_harness import wait
from cluster_harness.cluster import Cluster
from cluster_harness.errors import RefusalError
from support.product import Product

from fractal_api import GROUP, VERSION
from fractal_operator.core import names, paths

GONE_S: Final = 90.0
Object = dict[str, Any]


def small_world(name: str, **spec: object) -> Object:
    """A FractalNamespace of one pod and one slot, unless it says otherwise."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "FractalNamespace",
        "metadata": {"name": name},
        "spec": {"nodes": 1, "slotsPerNode": 1, **spec},
    }


@contextmanager
def temporary_world(product: Product, **spec: object) -> Iterator[str]:
    """The name of a new FractalNamespace, which is gone afterwards.

    Its Kubernetes namespace is on its way then: Kubernetes looks at one that ends only every 16 s.
    """
    name = f"test-{secrets.token_hex(4)}"
    product.home.apply(small_world(name, **spec))
    try:
        yield name
    finally:
        product.home("delete", "fractalnamespace", name, "--ignore-not-found", "--wait=false")
        wait.until(
            lambda: find(product.cluster, f"{paths.WORLDS}/{name}") is None,
            what=f"the end of FractalNamespace {name}",
            timeout_s=GONE_S,
            pause_s=0.5,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """An object that a world consists of: what kubectl calls it, and where the API server has it."""

    what: str
    collection: str

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return f"{self.collection}/{self.what.partition('/')[2]}"


def child(namespace: str, what: str) -> Child:
    """The child `KIND/NAME` of a world."""
    collections = {
        "statefulset": paths.stateful_sets(namespace),
        "service": paths.services(namespace),
        "networkpolicy": paths.network_policies(namespace),
        "rolebinding": paths.role_bindings(namespace),
        "secret": paths.secrets(namespace),
    }
    return Child(what=what, collection=collections[what.partition("/")[0]])


def find(cluster: Cluster, path: str) -> Object | None:
    """The object at the path, or None when there is none."""
    try:
        return cluster.api.get(path)
    except RefusalError as error:
        if error.status == 404:
            return None
        raise


def secret_of(product: Product, name: str) -> str:
    """The name of the world's Secret."""
    found = product.home.get("secrets", f"--namespace={name}")["items"]
    (secret,) = [each for each in found if each["metadata"]["name"].startswith(names.WORLD_SET)]
    return str(secret["metadata"]["name"])

"""The product as a person installs it: images built and carried in, `kubectl apply -k manifests/`, and what then runs.

It stays installed for whoever comes next: tests of this kind take it as they find it, and leave it whole.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from cluster_harness import builder, images, project, wait
from cluster_harness.cluster import Cluster
from cluster_harness.errors import CommandError
from cluster_harness.kubectl import Kubectl
from support.checkout import ROOT

from fractal_operator.core import names

MANIFESTS: Final = ROOT / "manifests"
WORLD: Final = "ds-clmpi1"
"""The first FractalNamespace."""

DEPLOYMENTS: Final = (names.OPERATOR, names.GATEWAY)
APPLY_S: Final = 60.0
RUNNING_S: Final = 120.0
WARM_S: Final = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """An installation on a cluster."""

    cluster: Cluster
    home: Kubectl
    """kubectl in the operator's namespace."""

    world: Kubectl
    """kubectl in the namespace of the first world."""

    def as_account(self, account: str, namespace: str) -> "Account":
        """What a ServiceAccount could do, whether or not it exists; an administrator asks in its name."""
        return Account(kubectl=self.home, flags=(f"--as=system:serviceaccount:{namespace}:{account}",))

    def with_token_of(self, account: str) -> "Account":
        """What can be done with the token of a pod of ours, such as the pod itself has."""
        pod = self.home.get("pods", f"--selector=app.kubernetes.io/name={account}")["items"][0]["metadata"]["name"]
        bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}")
        token = self.home("create", "token", account, *bound).strip()
        return Account(
            kubectl=Kubectl(_Stranger(cluster=self.cluster), self.home.namespace), flags=(f"--token={token}",)
        )

    def condition(self, name: str, kind: str) -> str:
        """The status of a FractalNamespace's condition; nothing while it has none."""
        conditions = self.home.get("fractalnamespaces", name).get("status", {}).get("conditions", [])
        return next((each["status"] for each in conditions if each["type"] == kind), "")

    def await_warm(self, name: str = WORLD, timeout_s: float = WARM_S) -> None:
        """Return once the world is Ready."""
        self.home.await_condition("condition=Ready", f"fractalnamespace/{name}", timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stranger:
    """Somebody who knows where the API server is, and has neither key nor certificate."""

    cluster: Cluster

    def kubectl(self, *arguments: str) -> list[str]:
        """The command that asks kubectl."""
        found = self.cluster
        server = f"--server=https://127.0.0.1:{found.record.ports['api']}"
        authority = f"--certificate-authority={found.layout.pki / 'ca.crt'}"
        return [str(found.record.binary), "kubectl", "--kubeconfig=/dev/null", server, authority, *arguments]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody in whose name kubectl asks; `flags` tell who it is."""

    kubectl: Kubectl
    flags: tuple[str, ...]

    def __call__(self, *arguments: str, given: object = None) -> str:
        """What the API server answered; CommandError with its refusal."""
        return self.kubectl(*self.flags, *arguments, given=None if given is None else json.dumps(given))

    def refusal(self, *arguments: str, given: object = None) -> str:
        """The words with which the API server refuses; nothing when it doesn't."""
        try:
            self(*arguments, given=given)
        except CommandError as error:
            return str(error)
        return ""


def install(cluster: Cluster) -> Product:
    """The product on the cluster, as this checkout has it: running, and its first world Ready."""
    product = Product(
        cluster=cluster,
        home=Kubectl(cluster, names.OPERATOR_NAMESPACE),
        world=Kubectl(cluster, WORLD),
    )
    images.load(cluster.layout, _images())
    product.home("apply", f"--kustomize={MANIFESTS}", timeout_s=APPLY_S)
    _renew(product)
    for deployment in DEPLOYMENTS:
        product.home("rollout", "status", f"deployment/{deployment}", f"--timeout={RUNNING_S:g}s", timeout_s=RUNNING_S)
    product.home("rollout", "status", "statefulset/redis", f"--timeout={RUNNING_S:g}s", timeout_s=RUNNING_S)
    wait.until(lambda: _has_world(product), what=f"FractalNamespace {WORLD}", timeout_s=RUNNING_S, pause_s=0.5)
    product.await_warm()
    return product


@cache
def _images() -> tuple[str, ...]:
    """The images of this checkout, which doesn't change while tests run: to see that takes 8 s."""
    return project.build("operator"), project.build("kernel"), builder.build_redis()


def _has_world(product: Product) -> bool:
    return bool(product.home("get", "fractalnamespaces", WORLD, "--ignore-not-found", "--output=name"))


def _renew(product: Product) -> None:
    """Replace pods of an earlier build of the same version: the manifests name both alike."""
    for deployment in DEPLOYMENTS:
        if _outdated(product.home.get("pods", f"--selector=app.kubernetes.io/name={deployment}")["items"]):
            product.home("rollout", "restart", f"deployment/{deployment}")
    stale = f"--selector={names.WORLD_LABEL}"
    if _has_world(product) and _outdated(product.world.get("pods", stale)["items"]):
        product.world("delete", "pods", stale, timeout_s=APPLY_S)


def _outdated(pods: list[dict[str, Any]]) -> bool:
    running = [status for pod in pods for status in pod["status"].get("containerStatuses", [])]
    return any(status["imageID"] and not _is_current(status) for status in running)


def _is_current(status: dict[str, Any]) -> bool:
    return str(status["imageID"]).endswith(images.identity(status["image"]))

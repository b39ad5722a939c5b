"""Who of the operator's replicas leads, seen at the Lease, and the ways in which it may end."""

import time
from typing import Final

from cluster_harness.errors import CommandError
from support.product import Product

from fractal_operator.core import names, paths

LEASE: Final = f"{paths.leases(names.OPERATOR_NAMESPACE)}/{names.OPERATOR}"
PAUSE_S: Final = 0.02
KILL_ALL: Final = "import os, sys; os.kill(-1, int(sys.argv[1]))"  # all but process 1 and the one that calls


def holder(product: Product) -> str:
    """The identity in the Lease; nothing when nobody leads."""
    return str(product.cluster.api.get(LEASE)["spec"].get("holderIdentity") or "")


def leader_pod(product: Product, timeout_s: float = 60.0) -> str:
    """The name of the pod that leads, once one does."""
    deadline = time.monotonic() + timeout_s
    while True:
        identity = holder(product)
        for pod in operator_pods(product):
            if identity.startswith(pod):
                return pod
        assert time.monotonic() < deadline, f"no pod of the operator's leads after {timeout_s:g} s: {identity!r}"
        time.sleep(0.2)


def operator_pods(product: Product) -> list[str]:
    """The names of the operator's pods."""
    selector = f"--selector=app.kubernetes.io/name={names.OPERATOR}"
    return [pod["metadata"]["name"] for pod in product.home.get("pods", selector)["items"]]


def signal_processes(product: Product, pod: str, number: int) -> None:
    """Send the signal to every process of the pod but its first."""
    try:
        product.home.exec(pod, "python3", "-c", KILL_ALL, str(number))
    except CommandError as error:
        if "137" not in str(error) and "closed" not in str(error):  # the pod may end before we hear of it
            raise


def until_another_leads(product: Product, before: str, timeout_s: float) -> float:
    """Seconds until the Lease names somebody else than `before`."""
    began = time.monotonic()
    while (now := holder(product)) in {before, ""}:
        took = time.monotonic() - began
        assert took < timeout_s, f"{now or 'nobody'} leads after {took:.1f} s"
        time.sleep(PAUSE_S)
    return time.monotonic() - began


def settled(product: Product, timeout_s: float = 60.0) -> None:
    """Return once both replicas are ready again."""
    wanted = f"--timeout={timeout_s:g}s"
    product.home("rollout", "status", f"deployment/{names.OPERATOR}", wanted, timeout_s=timeout_s + 10)

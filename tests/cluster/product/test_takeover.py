"""One replica leads, and the other takes over: soon after a death, at once after a polite leave."""

import signal
import time
from collections.abc import Callable
from typing import Final

import pytest
from cluster_harness.kubectl import Kubectl
from support.product import Product
from support.product_jobs import Jobs, lasting
from support.product_leader import holder, leader_pod, settled, signal_processes, until_another_leads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

DEATH_S: Final = 15.0
LEAVE_S: Final = 3.0
SLACK: Final = 3
"""A bound may be missed by so much where other work takes the processors."""

ROUNDS = [pytest.param(1), pytest.param(5, marks=pytest.mark.soak)]


def killed(product: Product, pod: str) -> None:
    """Every process of the pod's gets a SIGKILL; its container is started again at once."""
    signal_processes(product, pod, signal.SIGKILL)


def deleted(product: Product, pod: str) -> None:
    """The pod is asked to end."""
    product.home("delete", "pod", pod, "--wait=false")


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize(
    ("end", "bound_s"),
    [pytest.param(killed, DEATH_S, id="SIGKILL"), pytest.param(deleted, LEAVE_S, id="SIGTERM")],
)
def test_the_standby_takes_over_and_a_run_goes_on_to_its_picture(
    installed: Product, kubectl: Kubectl, end: Callable[[Product, str], None], bound_s: float, rounds: int
) -> None:
    jobs = Jobs(kubectl)
    for number in range(rounds):
        settled(installed)
        kubectl.apply(lasting(f"run-{number}"))
        jobs.await_tiles(f"run-{number}")
        pod, before = leader_pod(installed), holder(installed)
        began = time.monotonic()
        end(installed, pod)
        until_another_leads(installed, before, SLACK * bound_s)
        took_s = time.monotonic() - began
        status = jobs.complete(f"run-{number}")
        print(f"\nanother leads after {took_s:.1f} s (bound {bound_s:g} s); {status['attempts']} attempts")
        assert took_s < SLACK * bound_s
        assert status["attempts"] == 1, "the run was not taken from its world"
        assert jobs.events(f"run-{number}") == {"Assigned": 1, "Started": 1, "Completed": 1}
    settled(installed)

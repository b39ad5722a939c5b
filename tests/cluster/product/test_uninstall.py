"""All of it goes within a minute, with a run on, time after time; and with the operator dead by `make uninstall`."""

import time
from collections.abc import Iterator
from typing import Final

import pytest
from cluster_harness import wait
from cluster_harness.kubectl import Kubectl
from support.making import make
from support.product import MANIFESTS, WORLD, Product, install
from support.product_jobs import Jobs, lasting
from support.product_leader import operator_pods
from trial import remnants

from fractal_operator.core import names

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

GONE_S: Final = 60.0
BY_HAND_S: Final = 60.0
OPERATOR_PODS: Final = f"--selector=app.kubernetes.io/name={names.OPERATOR}"
SLACK: Final = 3
ROUNDS = [1, pytest.param(10, marks=pytest.mark.soak)]


@pytest.fixture
def passing(installed: Product, installations: dict[int, Product]) -> Iterator[Product]:
    """An installation that the test takes away; the next one to need it installs again."""
    yield installed
    installations.clear()


def begin_a_run(jobs: Jobs) -> None:
    jobs.kubectl.apply(lasting("interrupted"))
    jobs.await_tiles("interrupted")


def nothing_is_left(product: Product) -> None:
    wait.until(
        lambda: not remnants.look(product.home),
        what=f"the end of {remnants.look(product.home).sentence()}",
        timeout_s=SLACK * GONE_S,
        pause_s=0.5,
    )


@pytest.mark.parametrize("rounds", ROUNDS)
def test_kubectl_delete_ends_within_a_minute_with_a_run_on(passing: Product, kubectl: Kubectl, rounds: int) -> None:
    product = passing
    for number in range(rounds):
        begin_a_run(Jobs(kubectl))
        began = time.monotonic()
        product.home("delete", f"--kustomize={MANIFESTS}", timeout_s=SLACK * GONE_S)
        nothing_is_left(product)
        print(f"\nround {number + 1}: gone after {time.monotonic() - began:.1f} s (bound {GONE_S:g} s)")
        if number + 1 < rounds:
            product = install(product.cluster)


def test_our_namespace_alone_goes_too_and_a_new_installation_takes_the_worlds_over(passing: Product) -> None:
    began = time.monotonic()
    passing.home("delete", f"namespace/{names.OPERATOR_NAMESPACE}", timeout_s=SLACK * GONE_S)
    print(f"\nthe namespace alone: gone after {time.monotonic() - began:.1f} s (bound {GONE_S:g} s)")
    world = passing.home.get("fractalnamespaces", WORLD)
    assert "deletionTimestamp" not in world["metadata"]

    again = install(passing.cluster)
    assert again.home.get("fractalnamespaces", WORLD)["metadata"]["uid"] == world["metadata"]["uid"]


def test_make_uninstall_takes_away_what_a_dead_operator_left(passing: Product, kubectl: Kubectl) -> None:
    begin_a_run(Jobs(kubectl))
    passing.home("delete", f"deployment/{names.OPERATOR}", "--wait=false")
    passing.home("delete", "pod", OPERATOR_PODS, "--grace-period=0", "--force", "--ignore-not-found")
    wait.until(lambda: not operator_pods(passing), what="the end of the operator's pods", timeout_s=30, pause_s=0.2)

    began = time.monotonic()
    done = make("uninstall")
    took_s = time.monotonic() - began
    print(f"\n`make uninstall` took {took_s:.1f} s (bound {BY_HAND_S:g} s)")

    assert done.returncode == 0, done.stderr
    assert "the operator is dead" in done.stderr
    assert "uninstalled" in done.stderr
    assert took_s < SLACK * BY_HAND_S
    nothing_is_left(passing)


@pytest.mark.usefixtures("own_cluster")
def test_make_uninstall_says_that_there_is_nothing_to_do() -> None:
    done = make("uninstall")
    assert done.returncode == 0, done.stderr
    assert "nothing of ClusteredFractals is installed" in done.stderr

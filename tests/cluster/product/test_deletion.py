"""Deletion never hangs, whatever is going on: of a job at any moment, and of a world with a run on."""

import os
import random
import secrets
import time
from collections.abc import Callable
from typing import Final

import pytest
from cluster_harness import wait
from cluster_harness.kubectl import Kubectl
from support.product import WORLD, Product
from support.product_jobs import Jobs, example, holds, lasting
from support.product_leader import leader_pod, signal_processes
from support.product_worlds import find, temporary_world

from fractal_operator.core import paths

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

GONE_S: Final = 5.0
FREE_S: Final = 10.0
DRAINED_S: Final = 60.0
SLACK: Final = 3
MOMENT_S: Final = 2.0


def at_once(_: Jobs, __: str) -> None:
    """Right after it was created: it may be accepted, queued or being assigned."""


def when_accepted(jobs: Jobs, name: str) -> None:
    jobs.await_condition(name, "Accepted", 20)


def when_assigned(jobs: Jobs, name: str) -> None:
    jobs.await_condition(name, "Assigned", 60)


def when_rendered(jobs: Jobs, name: str) -> None:
    jobs.await_tiles(name, 60)


def when_complete(jobs: Jobs, name: str) -> None:
    jobs.complete(name)


MOMENTS: Final = [
    pytest.param(at_once, id="at once"),
    pytest.param(when_accepted, id="when it is accepted", marks=pytest.mark.soak),
    pytest.param(when_assigned, id="when it is assigned", marks=pytest.mark.soak),
    pytest.param(when_rendered, id="when it is rendered"),
    pytest.param(when_complete, id="when it is complete"),
]


def until_free(installed: Product, name: str = WORLD) -> None:
    """Return once the world has no job."""
    wait.until(
        lambda: not installed.home.get("fractalnamespace", name).get("status", {}).get("currentJob"),
        what=f"{name} to be free",
        timeout_s=SLACK * FREE_S,
        pause_s=0.2,
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_deleted_job_is_gone_at_once_and_frees_its_world(
    installed: Product, kubectl: Kubectl, moment: Callable[[Jobs, str], None]
) -> None:
    jobs = Jobs(kubectl)
    kubectl.apply(example(as_name="deleted") if moment is when_complete else lasting("deleted"))
    moment(jobs, "deleted")
    began = time.monotonic()
    kubectl("delete", "fractaljob", "deleted", f"--timeout={SLACK * GONE_S:g}s")
    print(f"\ngone after {time.monotonic() - began:.2f} s (bound {GONE_S:g} s)")
    until_free(installed)
    kubectl.apply(example(as_name="next"))
    jobs.complete("next", SLACK * FREE_S)


@pytest.mark.parametrize("rounds", [pytest.param(3), pytest.param(40, marks=pytest.mark.soak)])
def test_a_job_may_be_deleted_at_any_moment(installed: Product, kubectl: Kubectl, rounds: int) -> None:
    seed = os.environ.get("FRACTAL_SEED") or secrets.token_hex(4)
    print(f"\nrepeat with FRACTAL_SEED={seed}")
    chance, jobs = random.Random(seed), Jobs(kubectl)  # noqa: S311 - no secret depends on it
    for number in range(rounds):
        kubectl.apply(lasting(f"any-{number}"))
        pause_s = chance.uniform(0, MOMENT_S)
        print(f"{number + 1} of {rounds}: deleted after {pause_s:.2f} s")
        time.sleep(pause_s)  # the moment itself is what is tried
        kubectl("delete", "fractaljob", f"any-{number}", f"--timeout={SLACK * GONE_S:g}s")
    until_free(installed)
    kubectl.apply(example(as_name="next"))
    jobs.complete("next", SLACK * FREE_S)


def test_a_job_that_was_deleted_while_nobody_led_is_not_rendered_on(installed: Product, kubectl: Kubectl) -> None:
    """A new leader cancels at each agent what is no job's."""
    jobs = Jobs(kubectl)
    kubectl.apply(lasting("orphan"))
    jobs.await_tiles("orphan")
    signal_processes(installed, leader_pod(installed), 9)
    kubectl("delete", "fractaljob", "orphan")
    kubectl.apply(example(as_name="next"))
    jobs.complete("next", SLACK * (15 + FREE_S))


def test_a_world_with_a_run_on_is_deleted_after_it_drained(installed: Product, kubectl: Kubectl) -> None:
    """Its run is taken back at the deadline, which counts against nobody, and goes on elsewhere."""
    jobs = Jobs(kubectl)
    with temporary_world(installed, drainTimeoutSeconds=2) as name:
        installed.await_warm(name)
        job = lasting("moved")
        job["spec"]["execution"] = {"worldSelector": {"matchLabels": {"only": name}}}
        installed.home("label", "fractalnamespace", name, f"only={name}")
        installed.home("label", "fractalnamespace", WORLD, "only-")
        kubectl.apply(job)
        assert jobs.await_tiles("moved")["status"]["assignedTo"] == name
        began = time.monotonic()
        installed.home("delete", "fractalnamespace", name, "--wait=false")
        wait.until(
            lambda: find(installed.cluster, f"{paths.WORLDS}/{name}") is None,
            what=f"the end of FractalNamespace {name}",
            timeout_s=SLACK * DRAINED_S,
            pause_s=0.2,
        )
        print(f"\nthe world is gone after {time.monotonic() - began:.1f} s (bound {DRAINED_S:g} s)")
    try:
        installed.home("label", "fractalnamespace", WORLD, f"only={name}")
        status = jobs.complete("moved")
        assert status["assignedTo"] == WORLD
        assert status["attempts"] == 2
        assert (status.get("failures", 0), status.get("interruptions", 0)) == (0, 0)
    finally:
        installed.home("label", "fractalnamespace", WORLD, "only-")


def test_a_namespace_of_jobs_is_deleted_with_a_run_on(installed: Product, kubectl: Kubectl) -> None:
    jobs = Jobs(kubectl)
    kubectl.apply(*(lasting(f"of-many-{number}") for number in range(3)))
    wait.until(
        lambda: any(holds(jobs.get(f"of-many-{number}") or {}, "Running") for number in range(3)),
        what="a run",
        timeout_s=60,
        pause_s=0.2,
    )
    began = time.monotonic()
    kubectl("delete", "namespace", kubectl.namespace, "--timeout=90s", timeout_s=100)
    print(f"\nthe namespace is gone after {time.monotonic() - began:.1f} s")
    until_free(installed)

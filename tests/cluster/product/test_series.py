"""What Prometheus reads: every series that is promised moves when a job is rendered."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from cluster_harness import wait
from cluster_harness.kubectl import Kubectl
from support.product import Product
from support.product_jobs import Jobs, example, fetch_picture, lasting
from support.product_leader import leader_pod, operator_pods, settled

from fractal_operator.core import names
from fractal_operator.core.settings import GatewaySettings, OperatorSettings

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

FETCH: Final = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
GROWS_ON_OPERATOR: Final = (
    "fractal_assign_seconds_count",
    "fractal_run_seconds_count",
    "fractal_tiles_total",
    "fractal_iterations_total",
)
GROWS_ON_AGENT: Final = (
    "fractal_agent_runs_total",
    "fractal_agent_run_seconds_count",
    "fractal_agent_tiles_total",
    "fractal_agent_iterations_total",
)
GROWS_ON_GATEWAY: Final = ("fractal_gateway_requests_total", "fractal_gateway_images_total")
OPERATOR_PORT: Final = OperatorSettings().health_port
GATEWAY_PORT: Final = GatewaySettings().metrics_port
SEEN_S: Final = 60.0
BEATS_S: Final = 30.0
"""Iterations are told by heartbeats, one each 5 s."""

RESTARTED_S: Final = 180.0
SAMPLE: Final = re.compile(r"^(\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)

Series = Mapping[str, float]


def series(kubectl: Kubectl, pod: str, port: int) -> Series:
    """Each series of the pod by its name, its labels added up."""
    page = kubectl.exec(pod, "python3", "-c", FETCH, f"http://127.0.0.1:{port}/metrics")
    summed: dict[str, float] = {}
    for name, value in SAMPLE.findall(page):
        summed[name] = summed.get(name, 0.0) + float(value)
    return summed


def grown(before: Series, after: Series, names_of: tuple[str, ...]) -> list[str]:
    """The series that did not grow."""
    return [name for name in names_of if after.get(name, 0.0) <= before.get(name, 0.0)]


def gateway_pod(installed: Product) -> str:
    (pod,) = installed.home.get("pods", f"--selector=app.kubernetes.io/name={names.GATEWAY}")["items"]
    return str(pod["metadata"]["name"])


def test_a_job_moves_the_series_of_operator_agent_and_gateway(
    installed: Product, kubectl: Kubectl, tmp_path: Path
) -> None:
    jobs, leader, gateway = Jobs(kubectl), leader_pod(installed), gateway_pod(installed)

    places = (
        ("operator", installed.home, leader, OPERATOR_PORT, GROWS_ON_OPERATOR),
        ("agent", installed.world, names.MASTER, names.AGENT_PORT, GROWS_ON_AGENT),
        ("gateway", installed.home, gateway, GATEWAY_PORT, GROWS_ON_GATEWAY),
    )
    before = {who: series(kubectl_there, pod, port) for who, kubectl_there, pod, port, _ in places}
    kubectl.apply(example())
    jobs.complete("seahorse")
    fetch_picture(installed, kubectl.namespace, "seahorse", tmp_path)

    for who, kubectl_there, pod, port, growing in places:
        deadline = time.monotonic() + BEATS_S
        while still := grown(before[who], series(kubectl_there, pod, port), growing):
            assert time.monotonic() < deadline, f"{who}: {still} do not move"
    assert series(installed.home, leader, OPERATOR_PORT)["fractal_leader"] == 1


def test_only_one_replica_says_that_it_leads(installed: Product) -> None:
    settled(installed)
    leader_pod(installed)
    saying = [series(installed.home, pod, OPERATOR_PORT)["fractal_leader"] for pod in operator_pods(installed)]
    assert sorted(saying) == [0, 1]


def test_waiting_jobs_and_silent_watches_are_seen(installed: Product, kubectl: Kubectl) -> None:
    leader = leader_pod(installed)
    before = series(installed.home, leader, OPERATOR_PORT)
    kubectl.apply(*(lasting(f"waiting-{number}") for number in range(3)))

    lengths, ages, silences = set[float](), set[float](), {before["fractal_watch_age_seconds"]}
    deadline = time.monotonic() + SEEN_S
    while not (max(lengths, default=0) > 0 and len(ages - {0.0}) > 1) and time.monotonic() < deadline:
        seen = series(installed.home, leader, OPERATOR_PORT)
        lengths.add(seen["fractal_queue_length"])
        ages.add(seen["fractal_queue_age_seconds"])
        silences.add(seen["fractal_watch_age_seconds"])
    kubectl("delete", "fractaljobs", "--all")

    assert max(lengths) > 0, "a waiting job is counted"
    assert len(ages - {0.0}) > 1, f"the oldest one's age grows: {sorted(ages)}"
    assert len(silences) > 1, f"the watches' age moves: {sorted(silences)}"
    wait.until(
        lambda: series(installed.home, leader, OPERATOR_PORT)["fractal_queue_length"] == 0,
        what="an empty queue",
        timeout_s=SEEN_S,
    )


def test_a_run_that_is_tried_again_is_counted_with_its_reason(installed: Product, kubectl: Kubectl) -> None:
    jobs, leader = Jobs(kubectl), leader_pod(installed)
    before = series(installed.home, leader, OPERATOR_PORT).get("fractal_retries_total", 0)
    kubectl.apply(lasting("interrupted"))
    jobs.await_tiles("interrupted")
    installed.world("delete", "pod", names.MASTER, "--wait=false")
    status = jobs.complete("interrupted", RESTARTED_S)
    installed.await_warm()

    assert status["interruptions"] >= 1
    assert status.get("failures", 0) == 0
    assert series(installed.home, leader, OPERATOR_PORT)["fractal_retries_total"] > before

"""What an administrator may change of a world while a job is rendered there: the job is finished first."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
from cluster_harness import project, wait
from support.product_lab import Client, Lab, measure

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

NOTICED_S: Final = 2.0
CHANGED_S: Final = 30.0
INTERRUPTED_S: Final = 5.0
MOVED_S: Final = 60.0
Object = dict[str, Any]

CHANGES: Final = [
    pytest.param({"nodes": 2}, 2, id="nodes", marks=pytest.mark.soak),
    pytest.param({"nodes": 2, "slotsPerNode": 2}, 4, id="slotsPerNode", marks=pytest.mark.soak),
    pytest.param({"template": {"labels": {"changed": "yes"}}}, 4, id="template", marks=pytest.mark.soak),
    pytest.param({"image": project.image("kernel")}, 4, id="image", marks=pytest.mark.soak),
    pytest.param(
        {"nodes": 1, "slotsPerNode": 2, "template": {"labels": {"all": "yes"}}, "image": project.image("kernel")},
        2,
        id="all of it",
    ),
]


def uids(lab: Lab, world: str) -> set[str]:
    """The pods of a world that are not on their way out."""
    found = lab.inside(world).get("pods")["items"]
    return {pod["metadata"]["uid"] for pod in found if "deletionTimestamp" not in pod["metadata"]}


@pytest.fixture(scope="module")
def pictures() -> set[str]:
    """The sums of all pictures that the changing world rendered: there must be one."""
    return set()


@pytest.mark.parametrize(("change", "slots"), CHANGES)
def test_a_change_waits_for_the_run_that_is_on_and_the_next_job_has_the_new_world(
    lab: Lab, client: Client, pictures: set[str], change: Mapping[str, object], slots: int
) -> None:
    world = lab.world("changing")
    client.submit("on", world)
    client.until("on", "Running")
    before = uids(lab, world)
    if set(change) == {"nodes"}:
        lab.product.home("scale", f"fractalnamespace/{world}", f"--replicas={change['nodes']}")
    else:
        lab.change(world, **change)
    client.submit("next", world)
    measure(
        "the world takes no new job",
        lambda: lab.state(world, "Ready").get("reason") in {"RolloutPending", "PodsStarting"},
        bound_s=NOTICED_S,
    )
    now = uids(lab, world)
    assert before <= now or client.condition("on", "Complete"), "the run keeps its pods"
    first = client.complete("on")
    measure("the world is as it is wanted", lambda: ready_with(lab, world, slots), bound_s=CHANGED_S)
    second = client.complete("next")
    for status in (first, second):
        assert (status["attempts"], status["failures"], status["interruptions"]) == (1, 0, 0)
        pictures.add(status["result"]["sha256"])
    assert len(pictures) == 1, "the same picture, whatever the world"
    assert not before & uids(lab, world), "all pods are of the new template"


def ready_with(lab: Lab, world: str, slots: int) -> bool:
    status = lab.namespace(world)["status"]
    return bool(lab.state(world, "Ready").get("status") == "True" and status["slots"] == slots)


def test_a_drained_world_finishes_its_run_and_takes_no_other(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    client.submit("last", world)
    client.until("last", "Running")
    lab.change(world, drain=True)
    measure("the drain is told", lambda: lab.state(world, "Draining").get("status") == "True", bound_s=NOTICED_S)
    client.submit("waiting", world, samples=1)
    status = client.complete("last")
    assert (status["attempts"], status["interruptions"]) == (1, 0)
    measure("the world is drained", lambda: lab.state(world, "Draining")["reason"] == "Drained", bound_s=NOTICED_S)
    assert client.status("waiting").get("attempts", 0) == 0
    assert uids(lab, world), "it stays warm"
    lab.change(world, drain=False)
    client.complete("waiting", 30)


def test_a_run_that_outlasts_the_drain_is_interrupted_and_goes_on_elsewhere(lab: Lab, client: Client) -> None:
    worlds = {lab.world("a"), lab.world("b")}
    client.submit("moved", *worlds)
    kept = client.until_tiles("moved")
    world = client.status("moved")["assignedTo"]
    (other,) = worlds - {world}
    lab.forget_ledger(other)
    lab.change(world, drain=True, drainTimeoutSeconds=1)
    measure(
        "the world is drained", lambda: lab.state(world, "Draining").get("reason") == "Drained", bound_s=INTERRUPTED_S
    )
    status = client.complete("moved", MOVED_S)
    again = set(lab.ledger(other).handed_out()) & kept
    print(f"\n{len(kept)} tiles were kept; rendered again: {len(again)}")
    assert status["assignedTo"] == other
    assert not again
    assert (status["attempts"], status["failures"], status["interruptions"]) == (2, 0, 0)
    lab.change(world, drain=False, drainTimeoutSeconds=300)
    assert client.undisturbed(world) == status["result"]["sha256"]


def test_a_world_that_is_scaled_to_nothing_finishes_its_run_first(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    client.submit("last", world)
    client.until("last", "Running")
    lab.product.home("scale", f"fractalnamespace/{world}", "--replicas=0")
    status = client.complete("last")
    assert (status["attempts"], status["interruptions"]) == (1, 0)
    wait.until(lambda: not uids(lab, world), what="the end of the pods", timeout_s=CHANGED_S)
    assert lab.state(world, "Ready")["reason"] == "ScaledToZero"
    lab.product.home("scale", f"fractalnamespace/{world}", "--replicas=1")
    client.submit("next", world, samples=1)
    client.complete("next", 60)


@pytest.mark.soak
def test_jobs_come_out_alike_while_everything_changes(lab: Lab, client: Client) -> None:
    """Thirty jobs on a world that is changed with each of them."""
    world = lab.world("restless")
    sums = set[str]()
    for number in range(30):
        client.submit(f"job-{number}", world, samples=64)
        lab.change(
            world, nodes=1 + number % 2, slotsPerNode=1 + number // 2 % 2, template={"labels": {"n": str(number)}}
        )
    for number in range(30):
        status = client.complete(f"job-{number}", 600)
        assert (status["attempts"], status["failures"]) == (1, 0)
        sums.add(status["result"]["sha256"])
    assert len(sums) == 1

"""Which job is next, which world it goes to; and why a job waits, told where a person looks."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from cluster_harness import wait
from cluster_harness.kubectl import Kubectl
from support.product_lab import WORLD, Client, Lab, measure

from fractal_operator.core.names import ARRIVAL

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

TOLD_S: Final = 2.0
Object = dict[str, Any]


def assigned_at(client: Client, name: str) -> str:
    """When a job that is complete was begun."""
    return str(client.status(name)["startTime"])


def test_jobs_go_by_priority_then_by_arrival(lab: Lab, client: Client) -> None:
    """Those of one second go by the finer time that an annotation says, whatever the order of their creation."""
    world = lab.world("a")
    client.submit("running", world)
    client.until("running", "Running")
    selector = {"worldSelector": {"matchLabels": {WORLD: world}}}
    now = datetime.now(UTC)
    wanted = [("urgent", 10, 0), ("early", 0, -400), ("late", 0, -100), ("idle", -5, -900)]
    for name, priority, arrival_ms in reversed(wanted):
        arrival = (now + timedelta(milliseconds=arrival_ms)).isoformat()
        spec = {"execution": {**selector, "priority": priority}}
        client.create(name, spec, 1, annotations={ARRIVAL: arrival})
    created = {name: client.find(name)["metadata"]["creationTimestamp"] for name, *_ in wanted}  # type: ignore[index]
    for name, *_ in wanted:
        client.complete(name)
    order = sorted((name for name, *_ in wanted), key=lambda name: assigned_at(client, name))
    if created["early"] != created["late"]:
        order = ["early" if each == "late" else "late" if each == "early" else each for each in order]
    assert order == [name for name, *_ in wanted]


@pytest.mark.soak
def test_a_job_of_low_priority_does_not_starve(lab: Lab, client: Client) -> None:
    """A step of priority is worth a minute: after 65 s one that came before goes first."""
    world = lab.world("a")
    client.submit("old", world, samples=1, suspend=True, priority=0)
    time.sleep(65)  # waiting itself is what is tried
    client.submit("running", world)
    client.until("running", "Running")
    client.edit("old", suspend=False)
    client.submit("new", world, samples=1, priority=1)
    for name in ("old", "new"):
        client.complete(name)
    assert assigned_at(client, "old") < assigned_at(client, "new")


def test_a_job_goes_to_the_world_that_it_selects(lab: Lab, client: Client) -> None:
    worlds = [lab.world("a", warm=False), lab.world("b", warm=False)]
    for world in worlds:
        lab.product.await_warm(world)
    for number, world in enumerate([*worlds, *reversed(worlds)]):
        client.submit(f"job-{number}", world, samples=1)
        assert client.complete(f"job-{number}")["assignedTo"] == world


def test_two_worlds_render_two_jobs_at_the_same_time(lab: Lab, client: Client) -> None:
    worlds = {lab.world("a"), lab.world("b")}
    for number in range(2):
        client.submit(f"twin-{number}")
    for number in range(2):
        client.until(f"twin-{number}", "Running")
    assert {client.status(f"twin-{number}")["assignedTo"] for number in range(2)} == worlds


def why(client: Client, name: str, reason: str) -> str:
    """What a waiting job says, once it says why; the reason is the expected one, and kubectl shows the words."""
    measure(
        f"it is told that it waits ({reason})",
        lambda: client.condition(name, "Assigned").get("reason") == reason,
        bound_s=TOLD_S,
    )
    told = client.condition(name, "Assigned")
    assert told["status"] == "False"
    assert told["message"] in client.kubectl("get", "fractaljob", name, "--output=wide")
    print(f"  {told['message']}")
    return str(told["message"])


def test_a_job_that_no_world_has_the_labels_for_says_so(client: Client) -> None:
    client.submit("nowhere", "no-such-world", samples=1)
    assert "worldSelector" in why(client, "nowhere", "NoWorld")


def test_a_job_of_a_namespace_that_is_not_admitted_says_so_until_it_is(lab: Lab, kubectl: Kubectl) -> None:
    world, client = lab.world("a"), Client(lab, kubectl)
    client.submit("stranger", world, samples=1)
    assert f"spec.allowedNamespaces of {world}" in why(client, "stranger", "NotAllowed")
    lab.admit(kubectl)
    client.complete("stranger", 30)


def test_a_job_whose_world_can_not_take_it_says_why_until_it_can(lab: Lab, client: Client) -> None:
    """One world through its states: it can't start, it is empty, it is drained, and at last it is there."""
    nowhere = {"nodeSelector": {"clusteredfractals.test/nowhere": "true"}}
    world = lab.world("c", warm=False, template=nowhere)
    wait.until(lambda: lab.state(world, "Ready") != {}, what="its keeper", timeout_s=15)
    client.submit("starting", world, samples=1)
    assert "can't be scheduled" in why(client, "starting", "WorldNotReady")

    lab.change(world, nodes=0)
    wait.until(lambda: lab.state(world, "Ready")["reason"] == "ScaledToZero", what="no pods", timeout_s=15)
    client.submit("resting", world, samples=1)
    assert "spec.nodes is 0" in why(client, "resting", "WorldNotReady")

    lab.change(world, nodes=1, template=None, drain=True)
    wait.until(lambda: lab.state(world, "Draining")["status"] == "True", what="the drain", timeout_s=15)
    client.submit("drained", world, samples=1)
    assert "is drained" in why(client, "drained", "WorldNotReady")

    lab.change(world, drain=False)
    for name in ("starting", "resting", "drained"):
        client.complete(name, 90)


def test_a_job_whose_worlds_are_busy_says_how_many_are_before_it(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    client.submit("running", world)
    client.until("running", "Running")
    for name, priority in (("second", 0), ("third", -1)):  # not by arrival: they may come in the same second
        client.submit(name, world, samples=1, priority=priority)
    assert "busy; jobs before this one: 1" in why(client, "third", "Queued")

"""Three classes of failure: what a user asked for, what a world did, and what happened around it."""

import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from cluster_harness import faults, wait
from support.product import Product
from support.product_lab import Client, Lab, measure

from fractal_operator.core import names

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

REFUSED_S: Final = 5.0
BACK_S: Final = 30.0
KILLING_S: Final = 60.0
STORE_AWAY_S: Final = 60.0
NODE_LOST_S: Final = 100.0
Object = dict[str, Any]

TOO_DEEP: Final = {"fractal": {"center": {"re": "-0.743643887", "im": "0.131825904"}, "zoom": "1e300"}}
TOO_LARGE: Final = {"image": {"width": 65_536, "height": 1_025}}
MISTAKES: Final = [
    pytest.param(TOO_DEEP, ("DepthNotSupported", 1), "spec.fractal.zoom must be at most", id="too deep"),
    pytest.param(TOO_LARGE, ("TooLargeForStore", 0), "at most 67,108,864 pixels", id="too large"),
]


@pytest.mark.parametrize(("spec", "outcome", "words"), MISTAKES)
def test_what_can_not_be_rendered_fails_at_once_and_is_never_tried_again(
    lab: Lab, client: Client, spec: Object, outcome: tuple[str, int], words: str
) -> None:
    world, (reason, attempts) = lab.world("a"), outcome
    selector = {"matchLabels": {"clusteredfractals.test/world": world}}
    client.create("mistake", {**spec, "execution": {"worldSelector": selector}})
    measure(f"{reason} is told", lambda: client.condition("mistake", "Failed") != {}, bound_s=REFUSED_S)
    failed = client.condition("mistake", "Failed")
    assert (failed["status"], failed["reason"]) == ("True", reason)
    assert words in failed["message"]
    shown = client.kubectl("get", "fractaljobs", "--output=wide")
    assert words in shown, "a person sees it at a glance"
    client.submit("next", world, samples=1)
    client.complete("next")
    status = client.status("mistake")
    assert (status.get("attempts", 0), status.get("failures", 0)) == (attempts, 0)


def test_a_world_that_fails_again_and_again_costs_its_job_then_itself_and_others_go_elsewhere(
    lab: Lab, client: Client
) -> None:
    """Two failures end a job whose backoffLimit is 1; the third in ten minutes ends the world's turn."""
    bad, good = lab.world("bad", warm=False), lab.world("good", warm=False)
    for world in (bad, good):
        lab.product.await_warm(world)
    client.submit("first", bad, backoffLimit=1)
    until_running_or_ended(client, "first")
    fail(lab, client, bad, "first")
    status = client.status("first")
    failed = client.condition("first", "Failed")
    print(f"\n{failed['message']}")
    assert (failed["reason"], status["failures"], status["attempts"]) == ("BackoffLimitExceeded", 2, 2)
    assert "spec.execution.backoffLimit is 1" in failed["message"]
    assert status["interruptions"] == 0

    lab.product.await_warm(bad)
    lab.change(good, drain=True)
    wait.until(lambda: lab.state(good, "Ready").get("status") == "False", what="the drain", timeout_s=15)
    client.submit("second", bad, good, backoffLimit=3)
    client.until("second", "Running")
    assert client.status("second")["assignedTo"] == bad
    lab.change(good, drain=False)
    lab.kill_ranks(bad, for_s=KILLING_S, times=1)
    measure(  # it may be told first that its agent lost the world
        "the world is in quarantine",
        lambda: lab.state(bad, "Degraded").get("reason") == "Quarantined",
        bound_s=KILLING_S / 3,
    )
    degraded = lab.state(bad, "Degraded")
    assert degraded["status"] == "True"
    assert "3 jobs failed" in degraded["message"]
    status = client.complete("second")
    assert (status["assignedTo"], status["failures"], status["attempts"]) == (good, 1, 2)
    found = lab.product.home.get("events", "--namespace=default", f"--field-selector=involvedObject.name={bad}")
    assert "Quarantined" in {event["reason"] for event in found["items"]}

    client.submit("third", bad, samples=1)
    wait.until(lambda: client.condition("third", "Assigned") != {}, what="why it waits", timeout_s=15)
    why = client.condition("third", "Assigned")
    assert why["reason"] == "WorldNotReady"
    assert "quarantine" in why["message"]
    lab.product.home("annotate", f"fns/{bad}", "clusteredfractals.dev/lift-quarantine=now")
    client.complete("third")
    assert lab.state(bad, "Degraded")["status"] == "False"
    lab.drop(bad)


def until_running_or_ended(client: Client, name: str) -> None:
    wait.until(
        lambda: bool(client.condition(name, "Running") or client.condition(name, "Failed")),
        what=f"{name} to begin",
        timeout_s=60,
    )


def fail(lab: Lab, client: Client, world: str, name: str) -> None:
    """Kill the world's ranks until the job is given up."""
    began = time.monotonic()
    while not client.condition(name, "Failed"):
        assert time.monotonic() - began < 3 * KILLING_S, f"{name} is not given up: {client.status(name)}"
        lab.kill_ranks(world, for_s=2)
    print(f"\ngiven up after {time.monotonic() - began:.1f} s")


def kill_container(lab: Lab, world: str) -> None:
    """The agent and all ranks get a SIGKILL; the pod stays."""
    lab.kill_container(world)


def delete_pod(lab: Lab, world: str) -> None:
    """The pod is asked to end: its tiles are stored first."""
    lab.inside(world)("delete", "pod", names.MASTER, "--wait=false")


def delete_pod_at_once(lab: Lab, world: str) -> None:
    """The pod ends without being asked."""
    lab.inside(world)("delete", "pod", names.MASTER, "--wait=false", "--grace-period=1")


@pytest.mark.parametrize(
    "fault", [kill_container, delete_pod, pytest.param(delete_pod_at_once, marks=pytest.mark.soak)]
)
def test_a_run_outlives_its_agent_and_no_stored_tile_is_rendered_again(
    lab: Lab, client: Client, fault: Callable[[Lab, str], None]
) -> None:
    world = lab.world("a")
    lab.forget_ledger(world)
    uid = client.submit("hit", world)
    kept = client.until_tiles("hit", 5)
    same_page = fault is kill_container  # a new pod has a new one
    if same_page:
        kept |= lab.ledger(world).acknowledged()
    fault(lab, world)
    began = time.monotonic()
    status = client.complete("hit", 4 * BACK_S)
    print(f"\n{fault.__name__}: complete {time.monotonic() - began:.1f} s later")
    ledger = lab.ledger(world)
    again = ledger.rendered_after_acknowledged() if same_page else set(ledger.handed_out()) & kept
    print(f"{len(kept)} tiles were stored before; rendered again: {len(again)}")
    assert not again
    assert (status["attempts"], status["failures"], status["interruptions"]) == (1, 0, 1)
    assert client.undisturbed(world) == status["result"]["sha256"]
    assert [run for run in lab.runs(world).values() if run["phase"] == "Rendering"] == []
    assert lab.keys(uid)


def test_a_store_that_goes_away_costs_time_only(installed: Product, lab: Lab, client: Client) -> None:
    world = lab.world("a")
    lab.forget_ledger(world)
    client.submit("patient", world)
    client.until_tiles("patient", 5)
    installed.home("delete", "pod", "redis-0", "--wait=false", "--grace-period=1")
    began = time.monotonic()
    status = client.complete("patient", 3 * STORE_AWAY_S)
    print(f"\ncomplete {time.monotonic() - began:.1f} s after the store's end (bound {STORE_AWAY_S:g} s)")
    assert lab.ledger(world).rendered_after_acknowledged() == []
    assert (status["attempts"], status["failures"], status["interruptions"]) == (1, 0, 0)
    assert client.undisturbed(world) == status["result"]["sha256"]


@pytest.mark.soak
def test_a_node_that_loses_power_costs_time_only(installed: Product, lab: Lab, client: Client) -> None:
    """The world's only pod was there, perhaps the leading operator, but not the store, whose data lie on a node."""
    safe = str(installed.home.get("pod", "redis-0")["spec"]["nodeName"])
    (node,) = installed.cluster.ready().keys() - {safe}
    lost, spare = lab.world("lost", template=on_node(node)), lab.world("spare", template=on_node(safe))
    assert lab.inside(lost).get("pod", names.MASTER)["spec"]["nodeName"] == node
    lab.forget_ledger(spare)
    lab.change(spare, drain=True)
    wait.until(lambda: lab.state(spare, "Ready").get("status") == "False", what="the drain", timeout_s=15)
    client.submit("robust", lost, spare, samples=256)
    kept = client.until_tiles("robust", 5)
    lab.change(spare, drain=False)
    began = time.monotonic()
    faults.power_off(installed.cluster, node)
    try:
        status = client.complete("robust", 3 * NODE_LOST_S)
        print(f"\ncomplete {time.monotonic() - began:.1f} s after the power went (bound {NODE_LOST_S:g} s)")
    finally:
        faults.repair(installed.cluster, node)
    again = set(lab.ledger(spare).handed_out()) & kept
    print(f"{len(kept)} tiles were stored before; rendered again: {len(again)}")
    assert not again
    assert status["assignedTo"] == spare
    assert (status["attempts"], status["failures"], status["interruptions"]) == (2, 0, 1)
    client.submit("again", lost, samples=256)
    assert client.complete("again", 3 * NODE_LOST_S)["result"]["sha256"] == status["result"]["sha256"]


def on_node(name: str) -> Object:
    """A template of pods that are on this node, and nowhere else."""
    return {"nodeSelector": {"kubernetes.io/hostname": name}}


def test_a_rank_that_dies_costs_no_attempt_while_new_tiles_come(lab: Lab, client: Client) -> None:
    world = lab.world("a")
    lab.forget_ledger(world)
    client.submit("dented", world)
    client.until_tiles("dented", 5)
    lab.kill_ranks(world, for_s=10, times=1)
    status = client.complete("dented")
    ledger = lab.ledger(world)
    assert ledger.rendered_after_acknowledged() == []
    assert status["interruptions"] == 0
    assert client.undisturbed(world) == status["result"]["sha256"]

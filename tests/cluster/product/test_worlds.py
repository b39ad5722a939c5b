"""Worlds that are changed, drained, damaged and shouted at while they work."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from cluster_harness import wait
from cluster_harness.kubectl import Kubectl
from support.product import WORLD, Product
from support.product_jobs import Jobs, conditions, example, holds, lasting, said
from support.product_worlds import temporary_world

from fractal_operator.core import names

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

REPAIRED_S: Final = 15.0
"""Three times what is promised, since others use the processors too."""

TURN_S: Final = 60.0
Object = dict[str, Any]

KILL_AGENT: Final = (
    "for each in /proc/[0-9]*; do grep -qs 'fractal_kernel[.]agent' $each/cmdline && kill -KILL ${each#/proc/}; done"
)


@contextmanager
def world_of_its_own(product: Product, **spec: object) -> Iterator[str]:
    """A warm world that jobs of `only` go to, and nobody else's."""
    with temporary_world(product, **spec) as name:
        product.home("label", "fractalnamespace", name, f"only={name}")
        product.await_warm(name)
        yield name


def only(world: str, name: str, *, brief: bool = False) -> Object:
    """A job for that world alone, which takes some seconds unless it is to be brief."""
    job = example(as_name=name) if brief else lasting(name)
    job["spec"]["execution"] = {"worldSelector": {"matchLabels": {"only": world}}}
    return job


def pods(product: Product, world: str) -> dict[str, str]:
    """The uids of a world's pods, by name."""
    found = product.home.get("pods", f"--namespace={world}")["items"]
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in found}


def until(holds: Callable[[], bool], what: str, timeout_s: float = TURN_S) -> None:
    began = time.monotonic()
    wait.until(holds, what=what, timeout_s=timeout_s, pause_s=0.1)
    print(f"\n{what}: {time.monotonic() - began:.2f} s")


def reason(product: Product, world: str) -> str:
    """Why the world is Ready or not."""
    found = conditions(product.home.get("fractalnamespace", world))
    return next((str(each["reason"]) for each in found if each["type"] == "Ready"), "")


def message(product: Product, world: str) -> str:
    """The same for people."""
    found = conditions(product.home.get("fractalnamespace", world))
    return next((str(each["message"]) for each in found if each["type"] == "Ready"), "")


def patch(product: Product, world: str, **spec: object) -> None:
    change = json.dumps({"spec": spec})
    product.home("patch", "fractalnamespace", world, "--type=merge", f"--patch={change}")


# ---- changes ---------------------------------------------------------------------------------------------------------


def more_nodes(product: Product, world: str) -> None:
    product.home("scale", f"fractalnamespace/{world}", "--replicas=2")


def more_slots(product: Product, world: str) -> None:
    patch(product, world, slotsPerNode=2)


def other_template(product: Product, world: str) -> None:
    patch(product, world, template={"annotations": {"note": "another"}})


@pytest.mark.parametrize(
    ("change", "slots"),
    [
        pytest.param(more_nodes, 2, id="kubectl scale"),
        pytest.param(more_slots, 2, id="slotsPerNode", marks=pytest.mark.soak),
        pytest.param(other_template, 1, id="template", marks=pytest.mark.soak),
    ],
)
def test_a_change_waits_for_the_run_and_then_replaces_every_pod(
    installed: Product, kubectl: Kubectl, change: Callable[[Product, str], None], slots: int
) -> None:
    jobs = Jobs(kubectl)
    with world_of_its_own(installed) as name:
        before = pods(installed, name)
        kubectl.apply(only(name, "first"))
        jobs.await_tiles("first")
        change(installed, name)
        kubectl.apply(only(name, "second", brief=True))
        until(lambda: reason(installed, name) == "RolloutPending", "the change is pending")
        assert pods(installed, name) == before
        assert not holds(jobs.get("second") or {}, "Assigned")

        first = jobs.complete("first")
        assert (first["attempts"], first.get("interruptions", 0)) == (1, 0)
        jobs.complete("second")
        after = pods(installed, name)
        assert not set(after.values()) & set(before.values())
        assert installed.home.get("fractalnamespace", name)["status"]["slots"] == slots


def test_a_world_of_no_nodes_rests_and_wakes(installed: Product, kubectl: Kubectl) -> None:
    with world_of_its_own(installed) as name:
        installed.home("scale", f"fractalnamespace/{name}", "--replicas=0")
        until(lambda: reason(installed, name) == "ScaledToZero" and not pods(installed, name), "it rests")
        kubectl.apply(only(name, "patient", brief=True))
        installed.home("scale", f"fractalnamespace/{name}", "--replicas=1")
        Jobs(kubectl).complete("patient")


def test_a_template_that_can_not_be_is_told_in_the_api_servers_words(installed: Product) -> None:
    with world_of_its_own(installed) as name:
        patch(installed, name, template={"affinity": {"nodeAffinity": {"nearby": True}}})
        until(lambda: reason(installed, name) == "InvalidSpec", "it is refused")
        assert ".affinity.nodeAffinity.nearby: field not declared in schema" in message(installed, name)
        assert pods(installed, name)
        patch(installed, name, template=None)
        installed.await_warm(name)


def test_what_kubernetes_has_against_a_pod_is_told(installed: Product) -> None:
    with temporary_world(installed, template={"priorityClassName": "unheard-of"}) as name:
        until(lambda: "no PriorityClass with name unheard-of" in message(installed, name), "the reason is told")


# ---- drains ----------------------------------------------------------------------------------------------------------


@pytest.mark.soak
def test_a_drained_world_ends_its_run_and_takes_no_other_until_the_drain_is_called_off(
    installed: Product, kubectl: Kubectl
) -> None:
    jobs = Jobs(kubectl)
    with world_of_its_own(installed) as name:
        kubectl.apply(only(name, "last"))
        jobs.await_tiles("last")
        patch(installed, name, drain=True)
        until(lambda: reason(installed, name) == "DrainRequested", "it drains")
        kubectl.apply(only(name, "next", brief=True))
        assert jobs.complete("last")["attempts"] == 1
        until(lambda: reason(installed, name) == "Drained", "it is drained")
        waiting = jobs.get("next") or {}
        assert not holds(waiting, "Assigned")
        assert "drained" in said(waiting)

        patch(installed, name, drain=False)
        jobs.complete("next")


@pytest.mark.soak
def test_a_drain_takes_the_run_back_at_its_deadline_and_it_goes_on_elsewhere(
    installed: Product, kubectl: Kubectl
) -> None:
    jobs = Jobs(kubectl)
    with world_of_its_own(installed, drainTimeoutSeconds=1) as name, world_of_its_own(installed) as other:
        kubectl.apply(only(name, "moved"))
        jobs.await_tiles("moved")
        patch(installed, name, drain=True)
        installed.home("label", "fractalnamespace", other, f"only={name}", "--overwrite")
        until(lambda: (jobs.get("moved") or {})["status"].get("assignedTo") == other, "it goes on elsewhere")
        status = (jobs.get("moved") or {})["status"]
        assert (status["attempts"], status.get("failures", 0)) == (2, 0)
        kubectl("delete", "fractaljob", "moved")


# ---- damage ----------------------------------------------------------------------------------------------------------


def test_what_others_add_to_a_set_is_taken_away_and_no_pod_is_touched(installed: Product) -> None:
    with world_of_its_own(installed) as name:
        before = pods(installed, name)
        what = f"statefulset/{names.WORLD_SET}"
        space = f"--namespace={name}"
        installed.home("set", "env", what, "FOREIGN=1", space)
        added = {"spec": {"template": {"spec": {"nodeSelector": {"far": "away"}, "hostNetwork": True}}}}
        installed.home("patch", what, space, "--type=merge", f"--patch={json.dumps(added)}")

        def is_clean() -> bool:
            spec = installed.home.get(what, space)["spec"]["template"]["spec"]
            environment = {each["name"] for each in spec["containers"][0]["env"]}
            return "FOREIGN" not in environment and not spec.get("hostNetwork") and not spec.get("nodeSelector")

        until(is_clean, "it is put right", REPAIRED_S)
        assert pods(installed, name) == before
        assert installed.condition(name, "Ready") == "True"


@pytest.mark.soak
def test_a_killed_agent_costs_time_and_no_picture(installed: Product, kubectl: Kubectl) -> None:
    jobs = Jobs(kubectl)
    with world_of_its_own(installed, nodes=2) as name:
        kubectl.apply(only(name, "resumed"))
        jobs.await_tiles("resumed")
        before = pods(installed, name)
        _in_master(installed, name, KILL_AGENT)
        status = jobs.complete("resumed")
        assert status.get("failures", 0) == 0
        assert pods(installed, name) == before


@pytest.mark.soak
def test_a_deleted_pod_costs_time_and_no_picture(installed: Product, kubectl: Kubectl) -> None:
    jobs = Jobs(kubectl)
    with world_of_its_own(installed, nodes=2) as name:
        for number in (1, 0):
            job = f"without-{number}"
            kubectl.apply(only(name, job))
            jobs.await_tiles(job)
            installed.home("delete", "pod", f"{names.WORLD_SET}-{number}", f"--namespace={name}", "--wait=false")
            assert jobs.complete(job).get("failures", 0) == 0


def test_a_namespace_that_somebody_deleted_is_made_anew(installed: Product) -> None:
    with world_of_its_own(installed) as name:
        installed.home("delete", "namespace", name, "--wait=false")
        until(lambda: reason(installed, name) == "NamespaceTerminating", "it is told")
        until(lambda: reason(installed, name) == "WorldReady", "it is there again")


# ---- the observer ----------------------------------------------------------------------------------------------------


@pytest.mark.soak
def test_a_log_full_of_garbage_and_of_lies_hides_nothing(installed: Product, kubectl: Kubectl) -> None:
    """Lines are the fast path only: forged ends are not believed, and the log is rotated under the observer."""
    jobs = Jobs(kubectl)
    with world_of_its_own(installed) as name:
        kubectl.apply(only(name, "steadfast"))
        job = jobs.await_tiles("steadfast")
        run = f"{job['metadata']['uid']}-1"
        failed = {
            "v": 1,
            "run": "6e4b0000-0000-0000-0000-000000000000-1",
            "event": "failed",
            "reason": "x",
            "message": "",
        }
        figures = {"bytes": 1, "width": 1, "height": 1, "seconds": 0.1, "maxIterations": 1}
        sums = {"sha256": "0" * 64, "pixelsSha256": "0" * 64}
        completed = {"v": 1, "run": run, "event": "completed", **sums, **figures}
        shouted = f"[ERROR] {json.dumps(failed)}\n[SUCCESS] {json.dumps(completed)}\n[STATUS] {{\n\\xff\\xfe\n"
        _in_master(installed, name, f"printf '{shouted}' >/proc/1/fd/1; yes nonsense | head -c 24000000 >/proc/1/fd/1")

        result = jobs.complete("steadfast")["result"]
        assert result["sha256"] != "0" * 64
        assert result["width"] > 1
        kubectl.apply(only(name, "after"))
        jobs.await_tiles("after")
        until(lambda: "progress" in (jobs.get("after") or {})["status"], "its progress is seen")
        jobs.complete("after")


def _in_master(product: Product, world: str, script: str) -> None:
    """Run a shell's lines where the agent is."""
    product.home("exec", f"--namespace={world}", names.MASTER, "--", "sh", "-c", script, timeout_s=60)


def test_the_first_world_is_as_it_was(installed: Product) -> None:
    installed.await_warm(WORLD)

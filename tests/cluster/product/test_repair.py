"""What somebody else deletes or edits of a world is put right; a world that can't be had says why."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from cluster_harness import wait
from support.product import Product
from support.product_jobs import conditions, said
from support.product_worlds import Child, child, find, secret_of, small_world, temporary_world

from fractal_operator.core import names, paths

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

REPAIRED_S: Final = 5.0
SECRET_S: Final = 60.0
SLACK: Final = 3
"""A bound may be missed by so much where other work takes the processors."""

RESTED_S: Final = 40.0
Object = dict[str, Any]

CHILDREN: Final = (
    f"statefulset/{names.WORLD_SET}",
    f"service/{names.WORLD_SET}",
    "networkpolicy/world",
    f"rolebinding/{names.OPERATOR}",
    f"rolebinding/{names.GATEWAY}",
)
EDITS: Final[dict[str, Object]] = {
    f"statefulset/{names.WORLD_SET}": {"spec": {"replicas": 0}},
    f"service/{names.WORLD_SET}": {"spec": {"selector": {"app": "somebody-elses"}, "publishNotReadyAddresses": False}},
    "networkpolicy/world": {"spec": {"ingress": [{}]}},
    f"rolebinding/{names.OPERATOR}": {"subjects": []},
    f"rolebinding/{names.GATEWAY}": {"subjects": [{"kind": "Group", "name": "system:authenticated"}]},
}


@pytest.fixture(scope="module")
def lasting() -> Iterator[ExitStack]:
    """What is ended after the last test of this module."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def made() -> list[str]:
    """The name of this module's world, once there is one."""
    return []


@pytest.fixture(scope="module")
def gone() -> list["Vanished"]:
    """The Secret that was deleted, once it is."""
    return []


@pytest.fixture
def world(installed: Product, lasting: ExitStack, made: list[str]) -> str:
    """A world to damage, warm; the same one for all tests of this module."""
    if not made:
        made.append(lasting.enter_context(temporary_world(installed)))
    installed.await_warm(made[0])
    return made[0]


def until(holds: Callable[[], bool], bound_s: float, what: str) -> None:
    """Return once it holds; the time is printed beside its bound."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < SLACK * bound_s, f"{what}: not within {SLACK * bound_s:g} s"
        time.sleep(0.05)
    print(f"\n{what}: {time.monotonic() - began:.2f} s (bound {bound_s:g} s)")


@pytest.mark.parametrize("what", CHILDREN)
def test_a_deleted_part_of_a_world_is_made_again(installed: Product, world: str, what: str) -> None:
    part = child(world, what)
    before = installed.cluster.api.get(part.path)["metadata"]["uid"]
    installed.cluster.api.delete(part.path)

    def is_back() -> bool:
        found = find(installed.cluster, part.path)
        return found is not None and found["metadata"]["uid"] != before

    until(is_back, REPAIRED_S, f"{what} is made again")


@pytest.mark.parametrize("what", CHILDREN)
def test_an_edited_part_of_a_world_is_put_right(installed: Product, world: str, what: str) -> None:
    part = child(world, what)
    before = _meant(installed.cluster.api.get(part.path))
    edit = json.dumps(EDITS[what])
    installed.home("patch", what, f"--namespace={world}", "--type=merge", f"--patch={edit}")
    until(lambda: _meant(installed.cluster.api.get(part.path)) == before, REPAIRED_S, f"{what} is put right")


@pytest.mark.parametrize("label", [names.WORLD_LABEL, "pod-security.kubernetes.io/enforce"])
def test_a_label_that_was_taken_from_the_namespace_is_put_back(installed: Product, world: str, label: str) -> None:
    before = installed.home.get("namespace", world)["metadata"]["labels"][label]
    installed.home("label", "namespace", world, f"{label}-")

    def is_back() -> bool:
        return bool(installed.home.get("namespace", world)["metadata"]["labels"].get(label) == before)

    until(is_back, REPAIRED_S, f"{label} is put back")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """A Secret that somebody deleted."""

    part: Child
    uid: str
    at: datetime


@pytest.fixture
def vanished(installed: Product, world: str, gone: list[Vanished]) -> Vanished:
    """The Secret of this module's world, deleted: it may take a minute to be back, so other tests run meanwhile."""
    if not gone:
        part = child(world, f"secret/{secret_of(installed, world)}")
        uid = installed.cluster.api.get(part.path)["metadata"]["uid"]
        gone.append(Vanished(part=part, uid=uid, at=datetime.now(UTC)))
        installed.cluster.api.delete(part.path)
    return gone[0]


@pytest.mark.usefixtures("vanished")
def test_a_world_that_no_node_takes_rests_with_the_reason(installed: Product) -> None:
    nowhere = {"nodeSelector": {"clusteredfractals.dev/nowhere": "true"}}
    with temporary_world(installed, template=nowhere, startDeadlineSeconds=5) as name:
        path = f"{paths.stateful_sets(name)}/{names.WORLD_SET}"

        def rests() -> bool:
            found = find(installed.cluster, path)
            return found is not None and found["spec"]["replicas"] == 0 and _is_told(installed, name)

        until(rests, RESTED_S, "0 pods")
        assert installed.home.get("pods", f"--namespace={name}")["items"] == []
        found = installed.home.get("fractalnamespace", name)
        (ready,) = [each for each in conditions(found) if each["type"] == "Ready"]
        assert ready["status"] == "False"
        assert "node" in ready["message"], said(found)


@pytest.mark.usefixtures("vanished")
def test_a_namespace_of_somebody_elses_is_never_taken_over(installed: Product) -> None:
    name = "test-somebody-elses"
    installed.home("create", "namespace", name)
    try:
        installed.home("label", "namespace", name, f"{names.WORLD_LABEL}={name}")  # a label is no proof
        installed.home.apply(small_world(name))
        until(lambda: _reason(installed, name) == "NamespaceConflict", RESTED_S, "the conflict is told")
        labels = installed.home.get("namespace", name)["metadata"]["labels"]
        assert "pod-security.kubernetes.io/enforce" not in labels
        assert installed.home.get("statefulsets", f"--namespace={name}")["items"] == []
    finally:
        installed.home("delete", "fractalnamespace", name, "--ignore-not-found", "--timeout=30s", timeout_s=40)
        assert find(installed.cluster, f"{paths.NAMESPACES}/{name}") is not None, "it is still somebody else's"
        installed.home("delete", "namespace", name, "--wait=false")


def test_a_deleted_secret_is_made_again_without_ever_being_watched(
    installed: Product, world: str, vanished: Vanished
) -> None:
    wait.until(
        lambda: _uid(installed, vanished.part) not in {None, vanished.uid},
        what="another Secret",
        timeout_s=SLACK * SECRET_S,
        pause_s=0.2,
    )
    created = installed.cluster.api.get(vanished.part.path)["metadata"]["creationTimestamp"]
    took_s = (datetime.fromisoformat(created) - vanished.at).total_seconds()
    print(f"\nthe Secret is made again: {took_s:.0f} s (bound {SECRET_S:g} s)")
    assert took_s < SLACK * SECRET_S
    installed.await_warm(world)


def _uid(installed: Product, part: Child) -> str | None:
    found = find(installed.cluster, part.path)
    return None if found is None else str(found["metadata"]["uid"])


def _meant(found: Object) -> Object:
    """What an object says of how things should be, without what the API server adds."""
    return {key: found.get(key) for key in ("spec", "roleRef", "subjects")}


def _is_told(installed: Product, name: str) -> bool:
    return _reason(installed, name) in {"StartDeadlineExceeded", "ScaledToZero"}


def _reason(installed: Product, name: str) -> str:
    found = installed.home.get("fractalnamespace", name)
    return next((each["reason"] for each in conditions(found) if each["type"] == "Ready"), "")

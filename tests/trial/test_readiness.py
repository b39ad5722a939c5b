"""What a person reads while something is not ready yet."""

from typing import Any

import pytest
from trial import readiness


def deployment(generation: int = 1, seen: int = 1, **status: int) -> dict[str, Any]:
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": seen, **status},
    }


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(None, "it does not exist yet", id="absent"),
        pytest.param(deployment(generation=2), "the change has not been seen yet", id="unseen"),
        pytest.param(deployment(), "0 of 2 pods are available", id="no pod"),
        pytest.param(deployment(updatedReplicas=1, availableReplicas=2), "1 of 2 pods are available", id="old pods"),
        pytest.param(
            deployment(updatedReplicas=2, availableReplicas=2, replicas=3), "older pods are still there", id="surplus"
        ),
        pytest.param(deployment(updatedReplicas=2, availableReplicas=2, replicas=2), "", id="ready"),
    ],
)
def test_a_deployment_is_ready_when_all_pods_of_its_newest_form_are(found: dict[str, Any] | None, words: str) -> None:
    assert readiness.deployment_lacks(found) == words


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(None, "it does not exist yet", id="absent"),
        pytest.param({"spec": {"replicas": 1}}, "0 of 1 pods are ready", id="new"),
        pytest.param({"spec": {"replicas": 1}, "status": {"readyReplicas": 1}}, "", id="ready"),
    ],
)
def test_a_stateful_set_is_ready_when_all_pods_are(found: dict[str, Any] | None, words: str) -> None:
    assert readiness.stateful_set_lacks(found) == words


def world(status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message}]}}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(None, "it does not exist yet: the operator makes it", id="absent"),
        pytest.param({}, "the operator has not looked at it yet", id="unseen"),
        pytest.param(world("False", "Starting", "1 of 2 pods"), "Starting: 1 of 2 pods", id="starting"),
        pytest.param(world("False", "Starting"), "Starting", id="wordless"),
        pytest.param(world("True", "Ready"), "", id="ready"),
    ],
)
def test_a_world_says_in_the_operators_words_what_it_lacks(found: dict[str, Any] | None, words: str) -> None:
    assert readiness.world_lacks(found) == words


def pod(name: str, *, state: dict[str, Any] | None = None, **conditions: tuple[str, str]) -> dict[str, Any]:
    listed = [{"type": kind, "status": status, "message": text} for kind, (status, text) in conditions.items()]
    return {
        "metadata": {"name": name},
        "status": {"conditions": listed, "containerStatuses": [{"state": state}] if state else []},
    }


@pytest.mark.parametrize(
    ("pods", "words"),
    [
        pytest.param([], "", id="none"),
        pytest.param([pod("a", Ready=("True", ""))], "", id="ready"),
        pytest.param([pod("a", state={"waiting": {"reason": "ContainerCreating"}})], "", id="starting"),
        pytest.param(
            [pod("a", Ready=("True", "")), pod("b", PodScheduled=("False", "0/2 nodes are available"))],
            "pod b: 0/2 nodes are available",
            id="unschedulable",
        ),
        pytest.param(
            [pod("c", state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}})],
            "pod c: ImagePullBackOff: Back-off pulling",
            id="no image",
        ),
        pytest.param([pod("d", state={"terminated": {"reason": "Error"}})], "pod d: Error", id="ended"),
    ],
)
def test_the_pod_that_keeps_it_is_named_with_its_reason(pods: list[dict[str, Any]], words: str) -> None:
    assert readiness.pod_obstacle(pods) == words

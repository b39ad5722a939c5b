"""What is read out of pods and StatefulSets."""

from typing import Any

import pytest
from support.operator_worlds import pod_object

from fractal_operator.core.names import REVISION
from fractal_operator.core.world_scene import master, see_pod, see_set


def pod(**status: object) -> dict[str, Any]:
    found = pod_object("w1", 1, revision="r1", ready=False)
    found["status"] = status
    return found


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}, "restartCount": 0}


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        ({}, "is not ready yet"),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}]},
            "can't be scheduled: 0/2 nodes are available",
        ),
        ({"containerStatuses": [waiting("ContainerCreating")]}, "is not ready yet"),
        (
            {"containerStatuses": [waiting("ImagePullBackOff", "no such image")]},
            "waits: ImagePullBackOff: no such image",
        ),
        (
            {
                "containerStatuses": [
                    {
                        **waiting("CrashLoopBackOff", "back-off"),
                        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
                        "restartCount": 3,
                    }
                ]
            },
            "has ended with exit code 1 (Error), restarts: 3",
        ),
    ],
    ids=["nothing known", "unschedulable", "being made", "no image", "crashing"],
)
def test_a_pod_says_what_keeps_it_from_being_ready(status: dict[str, Any], trouble: str) -> None:
    assert see_pod(pod(**status)).trouble == trouble


def test_a_pod_that_goes_is_not_ready_whatever_it_says() -> None:
    found = pod_object("w1", 0, revision="r1")
    found["metadata"]["deletionTimestamp"] = "2026-11-27T07:00:00Z"

    seen = see_pod(found)

    assert (seen.ready, seen.going) == (False, True)
    assert seen.trouble == "is being deleted on node node-1"
    assert master([seen]) is None


def test_a_container_that_was_started_anew_is_another_incarnation() -> None:
    before, after = (see_pod(pod_object("w1", 0, revision="r1", restarts=number)) for number in (0, 1))

    assert before.uid == after.uid
    assert before.incarnation != after.incarnation


def test_the_name_of_a_template_counts_only_once_the_controller_has_seen_it() -> None:
    found = {
        "metadata": {"annotations": {REVISION: "r1"}, "generation": 2},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 1, "updateRevision": "mpi-node-a"},
    }

    assert see_set(found).updates_to == ""
    found["status"]["observedGeneration"] = 2
    assert see_set(found).updates_to == "mpi-node-a"
    assert (see_set(found).revision, see_set(found).replicas) == ("r1", 3)

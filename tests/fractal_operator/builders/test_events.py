import re
from dataclasses import replace

from support.operator_jobs import NOW, job_in, manifest

from fractal_operator.builders.events import build_event, event_name
from fractal_operator.core.actions import Milestone, Record
from fractal_operator.core.jobs import read_job
from fractal_operator.core.lifecycle import State

ASSIGNED = Record(milestone=Milestone.ASSIGNED, attempt=1, message="attempt 1 goes to world w1")


def test_an_event_tells_of_its_job() -> None:
    assert build_event(job_in(State.ASSIGNED), ASSIGNED, NOW, "replica-1") == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "seahorse.uid-seahorse.1.1-assigned", "namespace": "art"},
        "involvedObject": {
            "apiVersion": "clusteredfractals.dev/v1alpha1",
            "kind": "FractalJob",
            "namespace": "art",
            "name": "seahorse",
            "uid": "uid-seahorse",
        },
        "type": "Normal",
        "reason": "Assigned",
        "message": "attempt 1 goes to world w1",
        "firstTimestamp": "2030-01-31T12:00:00Z",
        "lastTimestamp": "2030-01-31T12:00:00Z",
        "count": 1,
        "source": {"component": "fractal-operator"},
        "reportingComponent": "fractal-operator",
        "reportingInstance": "replica-1",
    }


def test_a_failure_is_a_warning_with_a_message_of_bounded_length() -> None:
    failed = Record(milestone=Milestone.FAILED, attempt=1, message="x" * 5000)
    event = build_event(job_in(State.FAILED), failed, NOW, "replica-1")
    assert event["type"] == "Warning"
    assert len(event["message"]) == 1024


def test_each_milestone_of_each_attempt_has_a_name_of_its_own() -> None:
    job = job_in(State.ASSIGNED)
    names = {
        event_name(job, Record(milestone=milestone, attempt=attempt, message=""))
        for milestone in Milestone
        for attempt in (1, 2)
    }
    assert len(names) == 8


def test_events_of_one_second_are_listed_in_the_order_in_which_they_happened() -> None:
    job = job_in(State.ASSIGNED)
    milestones = (Milestone.ASSIGNED, Milestone.STARTED, Milestone.COMPLETED)
    names = [event_name(job, Record(milestone=milestone, attempt=1, message="")) for milestone in milestones]
    assert names == sorted(names)


def test_the_name_of_an_event_is_one_however_long_the_job_s_is() -> None:
    job = replace(read_job(manifest("a" * 199 + "." + "b" * 53)), uid="6e4b0f0c-7f0e-4a52-9d53-0f6ab9d3c1aa")
    name = event_name(job, ASSIGNED)
    assert len(name) <= 253
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)

from dataclasses import replace

import pytest
from support.operator_jobs import NOW, job_in, with_status

from fractal_operator.core.jobs import Job
from fractal_operator.core.lifecycle import State
from fractal_operator.services.jobs.ledger import Ledger, is_newer


def named(job: Job, name: str, version: str = "7") -> Job:
    return replace(job, name=name, uid=f"uid-{name}", version=version)


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [("8", "7", True), ("7", "7", False), ("6", "7", False), ("10", "9", True), ("b", "a", True), ("a", "a", False)],
)
def test_versions_grow(version: str, than: str, newer: bool) -> None:
    assert is_newer(version, than) is newer


def test_what_is_older_than_what_is_known_is_passed_over() -> None:
    ledger = Ledger()
    assert ledger.keep(job_in(State.RUNNING).with_status(job_in(State.RUNNING).status, "9"))
    assert not ledger.keep(job_in(State.NEW))
    assert ledger.state("uid-seahorse") is State.RUNNING


def test_a_deleted_job_never_comes_back() -> None:
    ledger = Ledger()
    ledger.keep(job_in(State.NEW))
    assert ledger.drop("uid-seahorse") is not None
    assert ledger.drop("uid-seahorse") is None
    assert not ledger.keep(replace(job_in(State.NEW), version="99"))
    assert list(ledger) == []


def test_jobs_are_found_by_what_they_do() -> None:
    ledger = Ledger()
    for state in (State.NEW, State.QUEUED, State.SUSPENDED, State.RUNNING, State.COMPLETE):
        ledger.keep(named(job_in(state), state.lower()))
    assert {job.name for job in ledger.waiting()} == {"new", "queued"}
    assert [job.name for job in ledger.on_world("w1")] == ["running"]
    assert ledger.worlds() == {"w1"}
    assert ledger.running_of("art") == 1
    ledger.keep(named(job_in(State.COMPLETE), "running", "8"))
    assert ledger.on_world("w1") == []
    assert ledger.worlds() == set()
    assert ledger.running_of("art") == 0


def test_the_first_of_two_jobs_on_a_world_is_the_one_that_came_first() -> None:
    ledger = Ledger()
    early, late = named(job_in(State.ASSIGNED), "z"), named(job_in(State.ASSIGNED), "a")
    conditions = tuple(
        condition.model_copy(update={"last_transition_time": NOW.replace(hour=13)})
        for condition in late.status.conditions
    )
    ledger.keep(with_status(late, conditions=conditions))
    ledger.keep(early)
    assert [job.name for job in ledger.on_world("w1")] == ["z", "a"]

from datetime import timedelta

import pytest
from support.checkout import ROOT
from support.operator_jobs import NOW, RECORD, after, job_in, manifest, stimulus_of, with_status

from fractal_api.conditions import JobReason
from fractal_operator.core import actions as a
from fractal_operator.core import stimuli as s
from fractal_operator.core import transitions as t
from fractal_operator.core.actions import Milestone
from fractal_operator.core.failures import MAX_INTERRUPTIONS, Failure, retry_at
from fractal_operator.core.jobs import Job, read_job
from fractal_operator.core.lifecycle import STATES, TABLE, State, decide, state_of
from fractal_operator.core.lifecycle_page import lifecycle_page, render_diagram

BASES = {s.Stimulus, s.RunStimulus}
KINDS = [
    kind for kind in vars(s).values() if isinstance(kind, type) and issubclass(kind, s.Stimulus) and kind not in BASES
]
RUN_KINDS = [kind for kind in KINDS if issubclass(kind, s.RunStimulus)]
PAIRS = [(state, kind) for state in STATES for kind in KINDS]


def actions(job: Job, stimulus: s.Stimulus) -> list[type[a.Action]]:
    return [type(action) for action in decide(job, stimulus, NOW).actions]


def broken(word: str) -> s.Break:
    return s.Break(attempt=1, failure=Failure(word=word, message="it went wrong"))


def test_the_table_has_every_state_and_every_stimulus() -> None:
    assert set(TABLE) == set(KINDS)
    assert all(set(row) == set(STATES) for row in TABLE.values())


@pytest.mark.parametrize("state", STATES)
def test_a_job_can_come_to_every_state_and_its_status_says_so(state: State) -> None:
    assert state_of(job_in(state).status) is state


@pytest.mark.parametrize(("state", "kind"), PAIRS, ids=[f"{kind.__name__} when {state}" for state, kind in PAIRS])
def test_each_stimulus_leads_where_the_table_says(state: State, kind: type[s.Stimulus]) -> None:
    job, rule = job_in(state), TABLE[kind][state]
    decision = decide(job, stimulus_of(kind), NOW)
    if not rule.to:
        assert rule.apply is t.ignore
        assert (decision.status, decision.actions) == (job.status, ())
    elif rule.to == {State.GONE}:
        assert decision.status == job.status
    else:
        assert state_of(decision.status) in rule.to
    writes = [action for action in decision.actions if isinstance(action, a.WriteStatus)]
    assert [write.status for write in writes] == ([decision.status] if decision.status != job.status else [])
    assert list(decision.actions[: len(writes)]) == writes, (
        "whatever follows from a status is done after it was written"
    )


@pytest.mark.parametrize("kind", RUN_KINDS)
def test_what_happened_to_another_attempt_changes_nothing(kind: type[s.Stimulus]) -> None:
    job = job_in(State.RUNNING)
    decision = decide(job, stimulus_of(kind, attempt=2), NOW)
    assert (decision.status, decision.actions) == (job.status, ())


@pytest.mark.parametrize(("state", "kind"), PAIRS, ids=[f"{kind.__name__} when {state}" for state, kind in PAIRS])
def test_saying_the_same_twice_writes_once(state: State, kind: type[s.Stimulus]) -> None:
    job = after(job_in(state), stimulus_of(kind))
    if kind is not s.Forget and state_of(job.status) is state:
        assert a.WriteStatus not in actions(job, stimulus_of(kind))


def test_a_status_that_is_written_is_read_as_the_same() -> None:
    for state in STATES:
        status = job_in(state).status
        again = read_job(manifest(status=status.model_dump(mode="json", by_alias=True, exclude_none=True)))
        assert again.status == status


def test_an_assignment_is_a_new_attempt() -> None:
    decision = decide(job_in(State.QUEUED), s.Place(world="w1"), NOW)
    assert (decision.status.assigned_to, decision.status.attempts, decision.status.phase) == ("w1", 1, "Assigned")
    put, told = decision.actions[1:]
    assert put == a.PutRun(world="w1", run="uid-seahorse-1")
    assert isinstance(told, a.Record)
    assert told.milestone is Milestone.ASSIGNED


def test_a_suspended_job_keeps_its_state_until_its_run_was_taken_back() -> None:
    job = job_in(State.RUNNING, suspend=True)
    decision = decide(job, s.Suspend(), NOW)
    assert decision.status == job.status
    assert decision.actions == (a.CancelRun(world="w1", run="uid-seahorse-1", message="the job is suspended"),)
    released = after(job, s.Release(attempt=1, message="it was taken back"))
    assert (state_of(released.status), released.status.assigned_to) == (State.SUSPENDED, None)


def test_a_job_whose_run_was_taken_back_by_a_drain_is_queued_and_nothing_is_counted() -> None:
    job = after(job_in(State.RUNNING), s.Release(attempt=1, message="world w1 is being drained"))
    assert state_of(job.status) is State.QUEUED
    assert (job.status.failures, job.status.interruptions) == (0, 0)
    assert retry_at(job.status) == NOW


def test_a_user_s_fault_ends_the_job() -> None:
    job = after(job_in(State.RUNNING), broken("TooLargeForStore"))
    assert state_of(job.status) is State.FAILED
    failed = job.condition("Failed")
    assert failed is not None
    assert (failed.reason, failed.message) == ("TooLargeForStore", "it went wrong")
    assert (job.status.failures, job.status.completion_time) == (0, NOW)


def test_a_world_s_fault_counts_and_the_job_backs_off_longer_each_time() -> None:
    pauses = []
    for count in range(9):
        job = with_status(job_in(State.RUNNING, backoffLimit=100), failures=count)
        job = after(job, broken("WorldHung"))
        again = retry_at(job.status)
        assert again is not None
        pauses.append((again - NOW).total_seconds())
        assert job.status.failed_on == "w1"
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a_job_is_given_up_when_it_failed_more_often_than_its_limit(limit: int) -> None:
    job = with_status(job_in(State.RUNNING, backoffLimit=limit), failures=limit)
    given_up = after(job, broken("WorldDied"))
    assert state_of(given_up.status) is State.FAILED
    assert given_up.status.failures == limit + 1
    failed = given_up.condition("Failed")
    assert failed is not None
    assert failed.reason == JobReason.BACKOFF_LIMIT_EXCEEDED
    assert f"spec.execution.backoffLimit is {limit}" in failed.message
    assert "it went wrong" in failed.message
    if limit:
        once_less = with_status(job, failures=limit - 1)
        assert state_of(after(once_less, broken("WorldDied")).status) is State.QUEUED


@pytest.mark.parametrize("word", ["StoreAway", "WorldLost", "Interrupted"])
def test_interruptions_are_no_failures_but_bounded_too(word: str) -> None:
    job = after(job_in(State.RUNNING), broken(word))
    assert state_of(job.status) is State.QUEUED
    assert (job.status.failures, job.status.interruptions) == (0, 1)
    last = with_status(job_in(State.RUNNING), interruptions=MAX_INTERRUPTIONS)
    given_up = after(last, broken(word))
    failed = given_up.condition("Failed")
    assert failed is not None
    assert failed.reason == JobReason.INTERRUPTION_LIMIT_EXCEEDED


def test_a_run_whose_agent_is_new_stays_where_it_is() -> None:
    job = after(job_in(State.RUNNING), s.Forget(attempt=1, message="its agent is another one"))
    assert state_of(job.status) is State.ASSIGNED
    assert (job.world, job.attempt, job.status.interruptions) == ("w1", 1, 1)
    assert job.status.start_time == NOW
    last = with_status(job_in(State.RUNNING), interruptions=MAX_INTERRUPTIONS)
    assert state_of(after(last, s.Forget(attempt=1, message="again")).status) is State.FAILED


def test_a_complete_job_says_what_it_got_and_keeps_its_world() -> None:
    job = job_in(State.COMPLETE)
    assert (job.world, job.status.phase, job.status.completion_time) == ("w1", "Complete", NOW)
    assert job.status.result is not None
    assert job.status.result.sha256 == RECORD.sha256
    assert job.status.progress is not None
    assert job.status.progress.percent == 100
    assert {c.type: str(c.status) for c in job.status.conditions} == {
        "Accepted": "True",
        "Assigned": "False",
        "Running": "False",
        "Complete": "True",
        "ResultAvailable": "True",
    }


def test_a_lost_result_leaves_the_job_complete() -> None:
    job = after(job_in(State.COMPLETE), s.LoseResult(reason=JobReason.RESULT_EXPIRED, message="nobody read it"))
    assert state_of(job.status) is State.COMPLETE
    available = job.condition("ResultAvailable")
    assert available is not None
    assert (available.status, available.reason) == ("False", "ResultExpired")


@pytest.mark.parametrize("state", [State.ASSIGNED, State.RUNNING])
def test_the_end_of_an_active_job_takes_its_run_back_after_the_write(state: State) -> None:
    for stimulus in (s.Expire(), stimulus_of(s.Refuse)):
        assert actions(job_in(state), stimulus) == [a.WriteStatus, a.CancelRun, a.Record]
    assert actions(job_in(state), s.Vanish()) == [a.CancelRun, a.ForgetResult]


def test_a_job_that_was_never_assigned_leaves_nothing_in_the_store() -> None:
    assert actions(job_in(State.NEW), s.Vanish()) == []
    assert actions(job_in(State.COMPLETE), s.Vanish()) == [a.ForgetResult]


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_a_job_that_failed_waits_for_nothing_any_more(state: State) -> None:
    failed = after(job_in(state), stimulus_of(s.Refuse))
    told = {condition.type for condition in failed.status.conditions if condition.message}
    assert told == {"Accepted", "Failed"}, "which kubectl get -o wide shows, and not why it would wait"


def test_conditions_keep_the_time_of_their_last_change() -> None:
    queued = job_in(State.QUEUED)
    later = NOW + timedelta(minutes=5)
    other = after(queued, s.Hold(reason=JobReason.NO_WORLD, message="there is none"), later)
    assigned = other.condition("Assigned")
    assert assigned is not None
    assert (assigned.last_transition_time, assigned.message) == (NOW, "there is none")


def test_the_page_in_docs_is_drawn_from_the_table() -> None:
    page = (ROOT / "docs/lifecycle.md").read_text(encoding="utf-8")
    assert page == lifecycle_page(), "run: python -m fractal_operator.core.lifecycle_page > docs/lifecycle.md"


def test_the_diagram_in_the_architecture_is_drawn_from_the_table() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{render_diagram()}\n```" in page

from datetime import timedelta

import pytest
from support.operator_jobs import NOW, job_in, manifest, with_status

from fractal_operator.core import stimuli as s
from fractal_operator.core.duties import find_duty, next_duty_at
from fractal_operator.core.jobs import read_job
from fractal_operator.core.lifecycle import FINISHED, STATES, State


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.mark.parametrize("state", STATES)
def test_an_ordinary_job_has_no_duty(state: State) -> None:
    job = job_in(state)
    assert find_duty(job, NOW + later(1e6)) == (s.Resume() if state is State.SUSPENDED else None)


@pytest.mark.parametrize("state", [state for state in STATES if state not in FINISHED | {State.SUSPENDED}])
def test_a_job_that_is_to_be_held_back_is(state: State) -> None:
    assert find_duty(job_in(state, suspend=True), NOW) == s.Suspend()


@pytest.mark.parametrize("state", [State.SUSPENDED, *sorted(FINISHED)])
def test_a_job_that_is_held_back_or_finished_is_left_alone(state: State) -> None:
    assert find_duty(job_in(state, suspend=True), NOW) is None


@pytest.mark.parametrize("state", [State.QUEUED, State.SUSPENDED, State.ASSIGNED, State.RUNNING])
def test_a_deadline_counts_from_the_first_start(state: State) -> None:
    job = with_status(job_in(state, activeDeadlineSeconds=10), start_time=NOW)
    assert next_duty_at(job) == NOW + later(10)
    assert find_duty(job, NOW + later(9.9)) != s.Expire()
    assert find_duty(job, NOW + later(10)) == s.Expire()


def test_a_job_that_never_started_has_no_deadline() -> None:
    job = job_in(State.QUEUED, activeDeadlineSeconds=10)
    assert next_duty_at(job) is None
    assert find_duty(job, NOW + later(1e6)) is None


@pytest.mark.parametrize("state", sorted(FINISHED))
@pytest.mark.parametrize("ttl_s", [0, 30])
def test_a_finished_job_goes_when_its_time_is_over(state: State, ttl_s: int) -> None:
    job = job_in(state, ttlSecondsAfterFinished=ttl_s)
    assert next_duty_at(job) == NOW + later(ttl_s)
    assert find_duty(job, NOW + later(ttl_s - 0.1)) is None
    assert find_duty(job, NOW + later(ttl_s)) == s.Retire()


def test_a_spec_that_can_not_be_is_refused_with_its_sentence() -> None:
    job = read_job(manifest() | {"spec": {"fractal": {"type": "Mandelbrot"}, "image": {"samples": 3}}})
    duty = find_duty(job, NOW)
    assert isinstance(duty, s.Refuse)
    assert "spec.image.samples" in duty.message


def test_a_status_that_somebody_spoilt_is_found_out_anew() -> None:
    job = read_job(manifest(status={"attempts": "many", "conditions": 7}))
    assert job.status.attempts == 0

"""What is asked of agents next, and what follows from what they know, as decisions."""

from dataclasses import replace

from support.operator_jobs import job_in

from fractal_operator.core import answers as w
from fractal_operator.core import stimuli as s
from fractal_operator.core.errands import Situation, build_put, plan_errand
from fractal_operator.core.lifecycle import State
from fractal_operator.core.refusals import LIMIT_S, LONGEST_PAUSE_S, STORE_LIMIT_S, Refusal, refuse
from fractal_operator.core.run_facts import RunFacts, derive_stimulus
from fractal_operator.core.worlds import AgentRef, WorldView
from fractal_operator.services.jobs.slots import Slot, Unwanted

RUN = "uid-seahorse-1"


def test_an_agent_that_was_silent_is_asked_for_its_runs_whatever_else_there_is() -> None:
    job, facts = job_in(State.RUNNING), RunFacts(run=RUN, heard_at=0.0, put=True, begun=True)
    assert plan_errand(Situation(inspected=True, silent=True, job=job, facts=facts), 1.0) == w.Inspect()
    assert plan_errand(Situation(inspected=True, silent=True), 1.0) == w.Inspect()
    assert plan_errand(Situation(inspected=True, job=job, facts=facts), 1.0) is None


def test_a_run_that_was_not_taken_is_put_again_after_pauses_that_double() -> None:
    job, facts, now, pauses = job_in(State.ASSIGNED), RunFacts(run=RUN, heard_at=0.0), 0.0, []
    for _ in range(9):
        refusal = refuse(facts.refusal, now, word="StoreFull", message="full", after_s=0.0)
        pauses.append(refusal.again_at - now)
        facts = replace(facts, refusal=refusal)
        situation = Situation(inspected=True, job=job, facts=facts)
        assert plan_errand(situation, refusal.again_at - 0.01) is None
        assert plan_errand(situation, refusal.again_at) == build_put(job)
        now = refusal.again_at
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert facts.refusal is not None
    assert facts.refusal.since == 0.0


def test_a_refusal_is_told_of_and_then_ends_the_attempt_by_its_word() -> None:
    job = job_in(State.ASSIGNED)
    full = Refusal(since=0.0, again_at=1.0, word="StoreFull", message="no room")
    facts = RunFacts(run=RUN, heard_at=0.0, refusal=full)

    def derive(now: float, facts: RunFacts = facts) -> s.Stimulus | None:
        return derive_stimulus(job, facts, now, unwanted=None, progress_due=False)

    assert derive(1.0) is None
    stall = derive(5.0)
    assert isinstance(stall, s.Stall)
    assert (stall.reason, stall.message) == ("StoreFull", "no room")
    end = derive(STORE_LIMIT_S)
    assert isinstance(end, s.Break)
    assert end.failure.reason == "StoreFull"
    other = replace(facts, refusal=replace(full, word="Ending"))
    assert derive(LIMIT_S - 1, other) is None
    end = derive(LIMIT_S, other)
    assert isinstance(end, s.Break)
    assert end.failure.reason == "Interrupted"


def test_a_run_that_is_unknown_and_unwanted_is_released_and_not_put_again() -> None:
    job, facts = job_in(State.RUNNING), RunFacts(run=RUN, heard_at=0.0, unknown=True)
    stimulus = derive_stimulus(job, facts, 0.0, unwanted="the job is suspended", progress_due=False)
    assert stimulus == s.Release(attempt=1, message="the job is suspended")
    assert isinstance(derive_stimulus(job, facts, 0.0, unwanted=None, progress_due=False), s.Forget)


def test_the_next_agent_is_told_again_that_a_run_must_end() -> None:
    slot = Slot(name="w1", absent_since=None, facts=RunFacts(run=RUN, heard_at=0.0, released=True))
    slot.unwanted[RUN] = Unwanted(message="the job is suspended", ended=True)
    slot.see(_view("pod-1"), 0.0)
    slot.unwanted[RUN].ended = True
    slot.see(_view("pod-1"), 1.0)
    assert slot.unwanted[RUN].ended
    slot.see(_view("pod-2"), 2.0)
    assert not slot.unwanted[RUN].ended


def _view(incarnation: str) -> WorldView:
    agent = AgentRef(url="http://w1", token="", incarnation=incarnation)
    return WorldView(name="w1", uid="u", labels={}, allowed_namespaces=None, takes_runs=True, agent=agent)

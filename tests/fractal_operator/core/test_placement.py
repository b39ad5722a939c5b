from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.operator_jobs import NOW, manifest, with_status

from fractal_api.conditions import JobReason
from fractal_api.metadata import LabelSelector
from fractal_operator.core.jobs import Job, read_job
from fractal_operator.core.names import ARRIVAL
from fractal_operator.core.placement import Client, Place, choose_place, explain_wait, turn_of
from fractal_operator.core.worlds import Quarantine, WorldView

ART = Client(name="art", labels={"team": "art"})
SCIENCE = LabelSelector(matchLabels={"team": "science"})


def job(name: str = "a", *, after_s: float = 0, arrival: str = "", **execution: Any) -> Job:  # noqa: ANN401 - any field's
    made = manifest(name, **execution)
    made["metadata"]["creationTimestamp"] = (NOW + timedelta(seconds=after_s)).isoformat()
    made["metadata"]["annotations"] = {ARRIVAL: arrival}
    return read_job(made)


def place(
    name: str = "w1",
    *,
    free: bool = True,
    quarantine: Quarantine | None = None,
    **view: Any,  # noqa: ANN401 - as above
) -> Place:
    told = {"labels": {}, "allowed_namespaces": None, "takes_runs": True} | view
    idle = {key: told.pop(key) for key in ("idle_since", "troubles") if key in told}
    return Place(view=WorldView(name=name, uid=f"uid-{name}", **told), free=free, quarantine=quarantine, **idle)


def order(*jobs: Job) -> list[str]:
    return [found.name for found in sorted(jobs, key=turn_of)]


def test_the_first_to_come_is_the_first_to_go() -> None:
    assert order(job("late", after_s=2), job("early", after_s=1)) == ["early", "late"]


def test_a_step_of_priority_is_worth_a_minute() -> None:
    assert order(job("early"), job("urgent", after_s=59, priority=1)) == ["urgent", "early"]
    assert order(job("early"), job("urgent", after_s=61, priority=1)) == ["early", "urgent"]
    assert order(job("humble", priority=-1), job("late", after_s=59)) == ["late", "humble"]


def test_jobs_of_one_second_go_by_their_arrival_then_by_their_uid() -> None:
    first, second = "2030-01-31T12:00:00.100Z", "2030-01-31T12:00:00.200Z"
    assert order(job("a", arrival=second), job("b", arrival=first)) == ["b", "a"]
    assert order(job("b", arrival=first), job("a", arrival=first)) == ["a", "b"]


def test_an_arrival_that_somebody_made_up_gains_less_than_a_second() -> None:
    assert order(job("honest"), job("cheat", after_s=1, arrival="1970-01-01T00:00:00Z")) == ["honest", "cheat"]


@pytest.mark.parametrize("arrival", ["yesterday", "2030-01-31T12:00:00", "", "9" * 1000])
def test_an_arrival_that_is_no_time_counts_as_none(arrival: str) -> None:
    assert job(arrival=arrival).arrival == NOW


@given(st.lists(st.tuples(st.integers(-100, 100), st.integers(0, 10_000)), min_size=2, max_size=6))
def test_nobody_is_overtaken_for_ever(given_jobs: list[tuple[int, int]]) -> None:
    jobs = [job(f"j{number}", after_s=s, priority=p) for number, (p, s) in enumerate(given_jobs)]
    late = job("latest", after_s=10_000 + 60 * 200 + 1, priority=100)
    assert max(map(turn_of, jobs)) < turn_of(late)


def test_a_job_goes_to_a_free_world_that_fits() -> None:
    places = [place("busy", free=False), place("drains", takes_runs=False), place("others", allowed_namespaces=SCIENCE)]
    assert choose_place(job(), ART, places) is None
    assert choose_place(job(), ART, [*places, place("good")]) == place("good")


def test_a_selector_and_the_labels_of_a_namespace_decide_who_fits() -> None:
    choosy = job(worldSelector={"matchExpressions": [{"key": "gpu", "operator": "Exists"}]})
    assert choose_place(choosy, ART, [place(), place("gpu", labels={"gpu": "yes"})]) == place(
        "gpu", labels={"gpu": "yes"}
    )
    closed = [place(allowed_namespaces=SCIENCE)]
    assert choose_place(job(), ART, closed) is None
    assert choose_place(job(), Client(name="lab", labels={"team": "science"}), closed) == closed[0]
    assert choose_place(job(), Client(name="unknown", labels=None), closed) is None


def test_the_calmest_world_is_taken_then_the_one_that_is_idle_longest() -> None:
    places = [place("a", troubles=1), place("b", idle_since=9.0), place("c", idle_since=5.0)]
    assert choose_place(job(), ART, places) == places[2]
    assert choose_place(with_status(job(), failed_on="c"), ART, places) == places[1]
    assert choose_place(with_status(job(), failed_on="a"), ART, places[:1]) == places[0]


def test_a_world_in_quarantine_gets_no_job() -> None:
    assert choose_place(job(), ART, [place(quarantine=Quarantine(ends_at=NOW, message="is in quarantine"))]) is None


def test_a_full_namespace_gets_no_world() -> None:
    full = Client(name="art", labels={}, running=3, limit=3)
    assert choose_place(job(), full, [place()]) is None
    assert choose_place(job(), Client(name="art", labels={}, running=3, limit=0), [place()]) == place()


@pytest.mark.parametrize(
    ("client", "places", "reason", "words"),
    [
        (ART, [], JobReason.NO_WORLD, "there is no FractalNamespace yet"),
        (ART, [place(allowed_namespaces=SCIENCE)], JobReason.NOT_ALLOWED, "of w1 does not admit namespace art"),
        (
            ART,
            [place("w2", takes_runs=False, why_not="is starting"), place("w1", takes_runs=False, why_not="is paused")],
            JobReason.WORLD_NOT_READY,
            "the world w1 is paused (and 1 more take none)",
        ),
        (
            ART,
            [place(quarantine=Quarantine(ends_at=NOW, message="is in quarantine for 10 minutes"))],
            JobReason.WORLD_NOT_READY,
            "the world w1 is in quarantine",
        ),
        (ART, [place(free=False)], JobReason.QUEUED, "the world that fits is busy; jobs before this one: 4"),
        (
            ART,
            [place(free=False), place("w2", free=False)],
            JobReason.QUEUED,
            "the 2 worlds that fit are busy; jobs before this one: 4",
        ),
        (
            Client(name="art", labels={}, running=3, limit=3),
            [place()],
            JobReason.NAMESPACE_LIMIT,
            "namespace art has 3 running jobs, and may have 3",
        ),
    ],
    ids=["no world", "not allowed", "not ready", "quarantine", "busy", "all busy", "limit"],
)
def test_a_job_that_waits_is_told_why(client: Client, places: list[Place], reason: JobReason, words: str) -> None:
    hold = explain_wait(job(), client, places, before=4)
    assert hold.reason is reason
    assert words in hold.message


def test_a_selector_that_chooses_nothing_is_named() -> None:
    hold = explain_wait(job(worldSelector={"matchLabels": {"gpu": "yes"}}), ART, [place()], before=0)
    assert (hold.reason, "spec.execution.worldSelector" in hold.message) == (JobReason.NO_WORLD, True)

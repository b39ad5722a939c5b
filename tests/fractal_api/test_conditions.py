from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_api.conditions import (
    Condition,
    ConditionStatus,
    JobCondition,
    JobReason,
    find_condition,
    holds,
    set_condition,
)
from fractal_api.metadata import LabelSelector

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def condition(
    kind: str = JobCondition.RUNNING,
    status: ConditionStatus = ConditionStatus.TRUE,
    reason: str = "",
    message: str = "",
) -> Condition:
    return Condition(type=kind, status=status, reason=reason, message=message)


def test_a_new_condition_goes_to_the_end_and_has_begun_now() -> None:
    first = set_condition((), condition(JobCondition.ACCEPTED), NOW)
    both = set_condition(first, condition(), LATER)
    assert [found.type for found in both] == ["Accepted", "Running"]
    assert [found.last_transition_time for found in both] == [NOW, LATER]


def test_a_condition_that_changes_its_status_has_begun_anew() -> None:
    before = set_condition((), condition(), NOW)
    after = set_condition(before, condition(status=ConditionStatus.FALSE), LATER)
    assert [(found.status, found.last_transition_time) for found in after] == [("False", LATER)]


def test_a_condition_with_another_reason_has_begun_when_it_did() -> None:
    before = set_condition((), condition(), NOW)
    after = set_condition(before, condition(reason=JobReason.STORE_BACKPRESSURE, message="The store is slow."), LATER)
    assert [(found.reason, found.last_transition_time) for found in after] == [("StoreBackpressure", NOW)]


def test_a_condition_without_a_time_gets_one() -> None:
    assert set_condition((condition(),), condition(), LATER)[0].last_transition_time == LATER


def test_other_conditions_keep_their_place() -> None:
    before = tuple(condition(kind) for kind in JobCondition)
    after = set_condition(before, condition(JobCondition.RUNNING, ConditionStatus.FALSE), NOW)
    assert [found.type for found in after] == list(JobCondition)
    assert [old for old, new in zip(before, after, strict=True) if old != new] == [condition(JobCondition.RUNNING)]


@given(steps=st.lists(st.tuples(st.sampled_from(JobCondition), st.sampled_from(ConditionStatus)), max_size=12))
def test_there_is_one_condition_of_a_type_with_the_status_that_was_set_last(
    steps: list[tuple[JobCondition, ConditionStatus]],
) -> None:
    conditions: tuple[Condition, ...] = ()
    for kind, status in steps:
        conditions = set_condition(conditions, condition(kind, status), NOW)
    assert {found.type: found.status for found in conditions} == {str(kind): status for kind, status in steps}
    assert len(conditions) == len(dict(steps))


def test_a_condition_holds_only_when_it_is_there_and_true() -> None:
    conditions = (condition(), condition(JobCondition.FAILED, ConditionStatus.UNKNOWN))
    assert holds(conditions, JobCondition.RUNNING)
    assert not holds(conditions, JobCondition.FAILED)
    assert not holds(conditions, JobCondition.COMPLETE)
    assert find_condition(conditions, JobCondition.COMPLETE) is None


LABELS = {"team": "art", "size": "large"}


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        pytest.param({}, True, id="nothing chooses all"),
        pytest.param({"matchLabels": {"team": "art"}}, True, id="a label"),
        pytest.param({"matchLabels": {"team": "art", "size": "small"}}, False, id="two labels, one wrong"),
        pytest.param({"matchLabels": {"place": "here"}}, False, id="a missing label"),
        pytest.param({"matchExpressions": [{"key": "size", "operator": "In", "values": ["large"]}]}, True, id="in"),
        pytest.param(
            {"matchExpressions": [{"key": "place", "operator": "In", "values": ["x"]}]}, False, id="absent in"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "size", "operator": "NotIn", "values": ["large"]}]}, False, id="not in"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "place", "operator": "NotIn", "values": ["x"]}]}, True, id="absent not in"
        ),
        pytest.param({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True, id="exists"),
        pytest.param({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False, id="does not exist"),
    ],
)
def test_a_selector_chooses_as_kubernetes_does(selector: dict[str, object], chosen: bool) -> None:
    assert LabelSelector.model_validate(selector).matches(LABELS) is chosen

"""What people are told of a world."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.operator_worlds import seen_pod, seen_set

from fractal_api.conditions import ConditionStatus, NamespaceReason, find_condition, holds
from fractal_api.namespaces import FractalNamespaceStatus
from fractal_operator.core.world_life import Decision, Memory, Stage, World
from fractal_operator.core.world_report import Refusal, Report, plan_status, read_quarantine, why_not
from fractal_operator.core.worlds import Quarantine

NOW = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
WORLD = World(now=0.0, nodes=2, revision="r1", found_set=seen_set(), pods=(seen_pod(0), seen_pod(1)))


def report(stage: Stage = Stage.READY, **more: object) -> Report:
    decided = {key: more.pop(key) for key in ("draining", "takes_runs") if key in more}
    decision = Decision(stage=stage, message="is so and so", memory=Memory(), **decided)
    given = {"world": WORLD, **more}
    return Report(name="w1", generation=3, slots_per_node=2, decision=decision, **given)


def told(made: Report) -> dict[str, tuple[bool, str]]:
    status = plan_status(made, FractalNamespaceStatus(), NOW)
    return {
        condition.type: (condition.status is ConditionStatus.TRUE, condition.reason) for condition in status.conditions
    }


REFUSAL = Refusal(reason=NamespaceReason.NAMESPACE_CONFLICT, message="can't be made")
WAIT = Refusal(reason=NamespaceReason.NAMESPACE_TERMINATING, message="waits", sick=False)
FREE, BUSY = WORLD, replace(WORLD, job="art/sea")


@pytest.mark.parametrize(
    ("made", "ready", "progressing", "draining", "degraded"),
    [
        (report(takes_runs=True), "+WorldReady", "-WorldReady", "-NotRequested", "-AsExpected"),
        (report(Stage.STARTING), "-PodsStarting", "+PodsStarting", "-NotRequested", "-AsExpected"),
        (report(Stage.LOST), "-WorldLost", "+WorldLost", "-NotRequested", "+WorldLost"),
        (report(Stage.PENDING), "-RolloutPending", "+RolloutPending", "-NotRequested", "-AsExpected"),
        (report(Stage.RESTING), "-ScaledToZero", "-ScaledToZero", "-NotRequested", "-AsExpected"),
        (
            report(Stage.GIVEN_UP),
            "-StartDeadlineExceeded",
            "-StartDeadlineExceeded",
            "-NotRequested",
            "+StartDeadlineExceeded",
        ),
        (report(draining=True, world=BUSY), "-DrainRequested", "-WorldReady", "+DrainRequested", "-AsExpected"),
        (report(draining=True, world=FREE), "-Drained", "-WorldReady", "+Drained", "-AsExpected"),
        (
            report(Stage.LEAVING, draining=True, world=BUSY),
            "-DrainRequested",
            "+DrainRequested",
            "+DrainRequested",
            "-AsExpected",
        ),
        (
            report(refusal=REFUSAL, takes_runs=True),
            "-NamespaceConflict",
            "-NamespaceConflict",
            "-NotRequested",
            "+NamespaceConflict",
        ),
        (
            report(refusal=WAIT),
            "-NamespaceTerminating",
            "+NamespaceTerminating",
            "-NotRequested",
            "-AsExpected",
        ),
        (
            report(takes_runs=True, quarantine=Quarantine(ends_at=NOW, message="three of its runs failed")),
            "+WorldReady",
            "-WorldReady",
            "-NotRequested",
            "+Quarantined",
        ),
    ],
    ids=lambda value: None if isinstance(value, Report) else value,
)
def test_each_state_has_its_conditions(
    made: Report, ready: str, progressing: str, draining: str, degraded: str
) -> None:
    signed = {kind: f"{'+' if holds else '-'}{reason}" for kind, (holds, reason) in told(made).items()}

    assert signed == {"Ready": ready, "Progressing": progressing, "Draining": draining, "Degraded": degraded}


def test_a_sentence_has_one_full_stop_whatever_kubernetes_ended_its_own_with() -> None:
    refusal = Refusal(reason=NamespaceReason.INVALID_SPEC, message="can't be: not helpful for scheduling.")
    conditions = plan_status(report(refusal=refusal), FractalNamespaceStatus(), NOW).conditions
    ready = next(each for each in conditions if each.type == "Ready")
    assert ready.message == "The world can't be: not helpful for scheduling."


def test_a_quarantine_names_what_ends_it() -> None:
    made = report(takes_runs=True, quarantine=Quarantine(ends_at=NOW, message="is in quarantine: it hung"))
    degraded = next(
        each for each in plan_status(made, FractalNamespaceStatus(), NOW).conditions if each.type == "Degraded"
    )
    assert degraded.message == (
        "The world gets no job for a while: is in quarantine: it hung; "
        "kubectl annotate fns/w1 clusteredfractals.dev/lift-quarantine=now ends it."
    )


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        pytest.param(Stage.READY, "is in quarantine: it hung", id="told as what is wrong"),
        pytest.param(Stage.LOST, "is in quarantine: too many jobs failed on it", id="something else is worse"),
    ],
)
def test_a_quarantine_can_be_read_from_the_status_again(stage: Stage, message: str) -> None:
    ends_at = NOW + timedelta(minutes=9, milliseconds=7)
    made = report(stage, takes_runs=True, quarantine=Quarantine(ends_at=ends_at, message="is in quarantine: it hung"))
    written = plan_status(made, FractalNamespaceStatus(), NOW).model_dump(mode="json", by_alias=True)
    status = FractalNamespaceStatus.model_validate(written)
    assert read_quarantine(status) == Quarantine(ends_at=ends_at, message=message)
    over = plan_status(report(takes_runs=True), status, NOW)
    assert read_quarantine(over) is None


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_can_be_told(stage: Stage) -> None:
    assert told(report(stage))["Ready"][1]


def test_figures_count_pods_and_ranks_that_answer() -> None:
    ready = plan_status(report(takes_runs=True, world=BUSY), FractalNamespaceStatus(), NOW)
    lost = plan_status(report(Stage.LOST, world=replace(BUSY, pods=WORLD.pods[:1])), FractalNamespaceStatus(), NOW)

    assert (ready.nodes, ready.ready_nodes, ready.slots, ready.current_job) == (2, 2, 4, "art/sea")
    assert (lost.nodes, lost.ready_nodes, lost.slots) == (1, 1, 0)
    assert ready.observed_generation == 3
    assert ready.selector == "clusteredfractals.dev/world=w1,app.kubernetes.io/name=mpi-node"


def test_conditions_keep_the_time_of_their_last_turn() -> None:
    before = plan_status(report(takes_runs=True), FractalNamespaceStatus(), NOW)
    later = plan_status(report(takes_runs=True, world=BUSY), before, NOW.replace(hour=8))

    found = find_condition(later.conditions, "Ready")
    assert found is not None
    assert found.last_transition_time == NOW
    assert holds(later.conditions, "Ready")


def test_why_a_world_takes_no_runs_ends_a_sentence() -> None:
    assert why_not(report(takes_runs=True)) == ""
    assert why_not(report(Stage.STARTING)) == "is so and so"
    assert why_not(report(draining=True, world=BUSY)) == "is drained, and waits for art/sea"
    assert why_not(report(refusal=REFUSAL, takes_runs=True)) == "can't be made"

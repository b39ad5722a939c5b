"""What a world does next, as tables; nothing here touches anything."""

from dataclasses import replace

import pytest
from support.operator_worlds import seen_pod, seen_set

from fractal_operator.core.start_tries import NO_TRIES, Tries, rest_s
from fractal_operator.core.world_life import INTERRUPT_S, Memory, Stage, World, decide

READY_PODS = (seen_pod(0), seen_pod(1))
READY = World(now=1000.0, nodes=2, revision="r1", found_set=seen_set(), pods=READY_PODS)
KNOWN = Memory(revision="r1")
LOST = replace(KNOWN, was_ready=True)


def test_a_world_with_all_pods_ready_takes_runs() -> None:
    decision = decide(READY, KNOWN)

    assert decision.stage is Stage.READY
    assert decision.takes_runs
    assert decision.apply_replicas is None
    assert decision.delete == ()
    assert decision.memory.was_ready


@pytest.mark.parametrize(
    "pods",
    [
        (),
        (seen_pod(0),),
        (seen_pod(0), seen_pod(1, ready=False)),
        (seen_pod(0), seen_pod(1, ready=False, going=True)),
        (seen_pod(0, ip=""), seen_pod(1)),
        (*READY_PODS, seen_pod(2)),
        (*READY_PODS, seen_pod(2, ready=False, going=True)),
    ],
    ids=["none", "one of two", "one not ready", "one going", "no address", "one too many", "one still going"],
)
def test_a_world_whose_pods_are_not_all_ready_takes_no_runs(pods: tuple[object, ...]) -> None:
    decision = decide(replace(READY, pods=pods), KNOWN)  # type: ignore[arg-type]

    assert decision.stage is Stage.STARTING
    assert not decision.takes_runs


def test_a_new_world_gets_its_set_at_once() -> None:
    decision = decide(replace(READY, found_set=None, pods=()), Memory())

    assert decision.apply_replicas == 2
    assert decision.again_s == 120


def test_a_world_that_was_ready_is_lost_not_starting() -> None:
    decision = decide(replace(READY, pods=READY_PODS[:1]), LOST)

    assert decision.stage is Stage.LOST
    assert "1 pod is not made yet" in decision.message


# ---- rollout ---------------------------------------------------------------------------------------------------------

CHANGED = replace(READY, revision="r2")


def test_a_change_waits_for_the_run() -> None:
    decision = decide(replace(CHANGED, job="art/sea"), KNOWN)

    assert decision.stage is Stage.PENDING
    assert not decision.takes_runs
    assert (decision.apply_replicas, decision.delete) == (None, ())
    assert "art/sea" in decision.message


def test_a_change_replaces_all_pods_at_once_when_no_run_is_on() -> None:
    decision = decide(CHANGED, LOST)

    assert decision.apply_replicas == 2
    assert decision.delete == READY_PODS
    assert decision.stage is Stage.STARTING  # which is no loss
    assert not decision.takes_runs


def test_pods_that_go_already_are_not_deleted_again() -> None:
    pods = (seen_pod(0, ready=False, going=True), seen_pod(1))

    assert decide(replace(CHANGED, pods=pods), KNOWN).delete == (pods[1],)


def test_pods_of_an_older_template_are_replaced_though_the_set_is_new() -> None:
    pods = (seen_pod(0), seen_pod(1, revision="r0"))

    assert decide(replace(READY, pods=pods), KNOWN).delete == (pods[1],)
    assert decide(replace(READY, pods=pods, job="art/sea"), KNOWN).stage is Stage.PENDING


def test_a_pod_that_somebody_elses_template_made_is_replaced() -> None:
    pods = (seen_pod(0, born_of="mpi-node-a"), seen_pod(1, born_of="mpi-node-b"))
    world = replace(READY, pods=pods, found_set=seen_set(updates_to="mpi-node-a"))

    assert decide(world, KNOWN).delete == (pods[1],)


def test_what_somebody_changed_is_put_right_while_the_world_stays_ready() -> None:
    pods = (seen_pod(0, born_of="mpi-node-a"), seen_pod(1, born_of="mpi-node-a"))
    drifted = seen_set(drifted=True, updates_to="mpi-node-b")

    decision = decide(replace(READY, pods=pods, found_set=drifted, job="art/sea"), LOST)

    assert decision.stage is Stage.READY
    assert decision.apply_replicas == 2
    assert decision.delete == ()


def test_a_set_that_somebody_scaled_is_put_right_under_a_run() -> None:
    decision = decide(replace(READY, found_set=seen_set(replicas=1), job="art/sea"), LOST)

    assert decision.apply_replicas == 2


def test_a_set_that_somebody_changed_while_a_change_is_due_is_put_back_as_it_was() -> None:
    world = replace(CHANGED, found_set=seen_set(replicas=2, drifted=True), job="art/sea")

    decision = decide(world, KNOWN)

    assert (decision.stage, decision.apply_replicas) == (Stage.PENDING, 2)


# ---- resting, and trying again ---------------------------------------------------------------------------------------

STUCK = replace(READY, pods=(seen_pod(0), seen_pod(1, ready=False, trouble="can't be scheduled: no room")))
SINCE = replace(KNOWN, tries=Tries(since=880.0))


def test_a_world_of_no_nodes_rests() -> None:
    decision = decide(replace(READY, nodes=0, found_set=seen_set(replicas=2)), LOST)

    assert (decision.stage, decision.apply_replicas) == (Stage.RESTING, 0)
    assert decision.memory.tries == NO_TRIES


def test_a_world_that_does_not_start_in_time_goes_back_to_no_pods_and_says_why() -> None:
    decision = decide(STUCK, SINCE)

    assert (decision.stage, decision.apply_replicas) == (Stage.GIVEN_UP, 0)
    assert "mpi-node-1 can't be scheduled: no room" in decision.message
    assert "tried again 1 min later" in decision.message
    assert decision.again_s == 60


def test_a_second_before_the_deadline_it_is_still_waited_for() -> None:
    decision = decide(replace(STUCK, now=999.0), SINCE)

    assert decision.stage is Stage.STARTING
    assert decision.again_s == 1


def test_a_world_that_was_given_up_rests_and_is_then_tried_again() -> None:
    given_up = decide(STUCK, SINCE).memory
    empty = replace(STUCK, found_set=seen_set(replicas=0), pods=())

    resting = decide(replace(empty, now=1059.0), given_up)
    again = decide(replace(empty, now=1060.0), given_up)

    assert (resting.stage, resting.apply_replicas, resting.again_s) == (Stage.GIVEN_UP, None, 1)
    assert (again.stage, again.apply_replicas) == (Stage.STARTING, 2)
    assert again.memory.tries.since == 1060.0


def test_rests_grow_to_ten_minutes() -> None:
    assert [rest_s(count) / 60 for count in range(1, 8)] == [1, 2, 4, 8, 10, 10, 10]


def test_another_template_is_tried_at_once() -> None:
    given_up = decide(STUCK, SINCE).memory

    decision = decide(replace(STUCK, found_set=seen_set(replicas=0), pods=(), revision="r2"), given_up)

    assert (decision.stage, decision.apply_replicas) == (Stage.STARTING, 2)


def test_a_lost_worlds_run_is_taken_back_before_the_pods_are() -> None:
    memory = replace(SINCE, was_ready=True)

    decision = decide(replace(STUCK, job="art/sea"), memory)

    assert "not ready within 120 s" in decision.interrupt
    assert decision.apply_replicas is None


# ---- draining and leaving --------------------------------------------------------------------------------------------

DRAINED = replace(READY, drain=True, drain_timeout_s=60.0)


def test_a_drained_world_takes_no_runs_and_keeps_its_pods() -> None:
    decision = decide(DRAINED, LOST)

    assert (decision.stage, decision.takes_runs, decision.draining) == (Stage.READY, False, True)
    assert (decision.apply_replicas, decision.delete, decision.interrupt) == (None, (), "")


def test_a_drain_lets_the_run_end_until_its_deadline() -> None:
    world = replace(DRAINED, job="art/sea")

    first = decide(world, LOST)
    late = decide(replace(world, now=1060.0), first.memory)

    assert (first.interrupt, first.again_s) == ("", 60)
    assert "not over within 60 s" in late.interrupt


def test_a_drain_that_is_called_off_is_forgotten() -> None:
    drained = decide(replace(DRAINED, job="art/sea"), LOST).memory

    decision = decide(replace(DRAINED, drain=False, now=2000.0), drained)

    assert decision.takes_runs
    assert decision.memory.draining_since is None


def test_a_change_is_made_during_a_drain_too() -> None:
    decision = decide(replace(DRAINED, revision="r2"), LOST)

    assert decision.delete == READY_PODS
    assert decision.draining


LEAVING = replace(READY, leaving_at=1000.0, drain_timeout_s=60.0)


def test_a_world_without_a_run_goes_at_once() -> None:
    assert decide(LEAVING, LOST).stage is Stage.GONE


@pytest.mark.parametrize(
    ("passed_s", "stage", "interrupts"),
    [
        (0.0, Stage.LEAVING, False),
        (59.0, Stage.LEAVING, False),
        (60.0, Stage.LEAVING, True),
        (60.0 + INTERRUPT_S, Stage.GONE, False),
    ],
)
def test_a_world_that_leaves_waits_for_its_run_but_not_for_ever(
    passed_s: float, stage: Stage, interrupts: bool
) -> None:
    decision = decide(replace(LEAVING, job="art/sea", now=1000.0 + passed_s), LOST)

    assert decision.stage is stage
    assert bool(decision.interrupt) is interrupts
    assert not decision.takes_runs

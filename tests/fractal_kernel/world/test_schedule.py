"""What a world does next, as lists of actions: no MPI, no clock, no socket."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fractal_kernel import wire
from fractal_kernel.coarse import Tally
from fractal_kernel.definition import Frame, GridDefinition, LegacyDefinition
from fractal_kernel.world import orders
from fractal_kernel.world.actions import Action, End, Give, Record, Reported, Stimulus, Tell
from fractal_kernel.world.schedule import TASKS_A_RANK, Schedule

LIMIT = 1000  # decided at once: the coarse pass needs no round
COUNT = 30_000  # of each sample: four tiles are a batch, at the rate that is assumed at first
PICTURE = LegacyDefinition(
    frame=Frame(width=64, height=64, side=1, block_size=8),  # 8 × 8 tiles, 64 × 64 coarse samples
    julia=False,
    julia_re=0.0,
    julia_im=0.0,
    center_re=0.0,
    center_im=0.0,
    zoom=0.4,
    max_iterations=LIMIT,
    color_mode=0,
)
UNDECIDED = GridDefinition(
    frame=PICTURE.frame,
    julia=False,
    julia_re=0.0,
    julia_im=0.0,
    center_re=0.0,
    center_im=0.0,
    zoom=0.4,
    matrix=None,
    max_iterations=None,
    palette="",
    colors=("#000000",),
    inside="#000000",
    offset=0.0,
    scale=1.0,
)
TILES = len(PICTURE.frame.grid)
ALL = frozenset(range(TILES))
RUN = wire.Run(run="a-1", definition=PICTURE)


class Ranks:
    """A schedule, and ranks that do what they are told when the test says so."""

    def __init__(self, size: int) -> None:
        self.schedule = Schedule(size)
        self.size = size
        self.tasks: list[tuple[int, orders.Task]] = []
        self.halted: set[int] = set()
        self.actions: list[Action] = []

    def hear(self, stimulus: Stimulus) -> list[Action]:
        actions = self.schedule.handle(stimulus)
        self.actions += actions
        for action in actions:
            match action:
                case Give(order=orders.Sample() | orders.Collect() | orders.Render() as task):
                    self.tasks.append((action.rank, task))
        return actions

    def finish(self, at: int = 0, seconds: float = 0.04) -> list[Action]:
        """The task that was given at that place is done."""
        rank, task = self.tasks.pop(at)
        return self.hear(done(rank, task, self.size, seconds))

    def stop(self, at: int = 0) -> list[Action]:
        rank, task = self.tasks.pop(at)
        return self.hear(Reported(rank=rank, outcome=orders.Stopped(task=task.task)))

    def survey(self) -> None:
        """Does the whole coarse pass, up to the first batches."""
        while any(isinstance(task, orders.Sample | orders.Collect) for _, task in self.tasks):
            self.finish()

    def load(self, rank: int) -> int:
        return sum(1 for at, _ in self.tasks if at == rank)


def done(rank: int, task: orders.Task, ranks: int, seconds: float) -> Reported:
    """Each of the ranks says that its share of the samples escaped at COUNT."""
    match task:
        case orders.Sample():
            return Reported(rank=rank, outcome=orders.Sampled(task=task.task, tally=Tally(running=0, late=0)))
        case orders.Collect():
            iterations = np.full(TILES, COUNT * 64 / ranks)
            return Reported(rank=rank, outcome=orders.Collected(task=task.task), data=(iterations.tobytes(),))
        case orders.Render():
            rendered = orders.Rendered(task=task.task, iterations=1000, seconds=seconds)
            return Reported(rank=rank, outcome=rendered, data=tuple(b"tile %d" % tile for tile in task.tiles))


def told(actions: list[Action]) -> list[wire.ToAgent]:
    return [action.message for action in actions if isinstance(action, Tell)]


def kinds(actions: list[Action]) -> list[str]:
    names = {Give: lambda a: type(a.order).__name__, Tell: lambda a: type(a.message).__name__}
    return [names.get(type(action), lambda a: type(a).__name__)(action) for action in actions]


def tiles_told(actions: list[Action]) -> list[int]:
    return [index for message in told(actions) if isinstance(message, wire.Tiles) for index, _ in message.tiles]


def test_a_run_begins_with_a_share_of_the_coarse_pass_on_every_rank() -> None:
    ranks = Ranks(2)
    assert ranks.hear(RUN) == [
        Tell(message=wire.Started(run="a-1")),
        Give(rank=0, order=orders.Begin(run="a-1", definition=PICTURE)),
        Give(rank=1, order=orders.Begin(run="a-1", definition=PICTURE)),
        Give(rank=0, order=orders.Collect(task=0, limit=LIMIT, max_iterations=LIMIT)),
        Give(rank=1, order=orders.Collect(task=1, limit=LIMIT, max_iterations=LIMIT)),
    ]


def test_the_next_round_waits_for_the_last_rank() -> None:
    ranks = Ranks(2)
    first = ranks.hear(replace(RUN, definition=replace(PICTURE, max_iterations=1500)))
    assert first[3:] == [Give(rank=rank, order=orders.Sample(task=rank, limit=1024)) for rank in range(2)]
    assert ranks.finish() == []
    assert ranks.finish() == [
        Give(rank=0, order=orders.Collect(task=2, limit=1500, max_iterations=1500)),
        Give(rank=1, order=orders.Collect(task=3, limit=1500, max_iterations=1500)),
    ]


def test_ranks_are_told_the_iterations_that_the_coarse_pass_decided() -> None:
    ranks = Ranks(2)
    assert kinds(ranks.hear(replace(RUN, definition=UNDECIDED))) == ["Started", "Begin", "Begin", "Sample", "Sample"]
    while any(isinstance(task, orders.Sample) for _, task in ranks.tasks):
        ranks.finish()
    ranks.finish()
    actions = ranks.finish()
    decided = orders.Begin(run="a-1", definition=replace(UNDECIDED, max_iterations=4096))
    assert kinds(actions[:1]) == ["Surveyed"]
    assert actions[1:3] == [Give(rank=rank, order=decided) for rank in range(2)]
    assert kinds(actions[3:5]) == ["Record", "Render"]


def test_batches_are_recorded_before_they_are_given_once_the_coarse_pass_is_over() -> None:
    ranks = Ranks(2)
    ranks.hear(RUN)
    ranks.finish()
    actions = ranks.finish()
    assert kinds(actions[:1]) == ["Surveyed"]
    assert kinds(actions[1:]) == ["Record", "Render"] * (2 * TASKS_A_RANK)
    for record, give in zip(actions[1::2], actions[2::2], strict=True):
        assert isinstance(record, Record)
        assert isinstance(give, Give)
        assert isinstance(give.order, orders.Render)
        assert record.tiles == give.order.tiles


def test_each_rank_has_one_batch_on_and_one_ahead() -> None:
    ranks = Ranks(3)
    ranks.hear(RUN)
    ranks.survey()
    assert [ranks.load(rank) for rank in range(3)] == [TASKS_A_RANK] * 3
    ranks.finish()
    assert [ranks.load(rank) for rank in range(3)] == [TASKS_A_RANK] * 3


@given(size=st.integers(1, 5), acknowledged=st.frozensets(st.integers(0, TILES - 1)), data=st.data())
def test_every_tile_is_rendered_once_in_whatever_order_the_ranks_answer(
    size: int, acknowledged: frozenset[int], data: st.DataObject
) -> None:
    ranks = Ranks(size)
    ranks.hear(replace(RUN, acknowledged=acknowledged))
    while ranks.tasks:
        ranks.finish(data.draw(st.integers(0, len(ranks.tasks) - 1)), data.draw(st.floats(1e-4, 1)))
    assert sorted(tiles_told(ranks.actions)) == sorted(ALL - acknowledged)
    assert told(ranks.actions)[-1] == wire.Rendered(run="a-1")
    assert ranks.schedule.idle


def test_the_work_of_the_batches_adds_up_to_the_work_surveyed() -> None:
    ranks = Ranks(2)
    ranks.hear(replace(RUN, acknowledged=frozenset(range(10))))
    while ranks.tasks:
        ranks.finish()
    [surveyed] = [message for message in told(ranks.actions) if isinstance(message, wire.Surveyed)]
    done_work = [message.work for message in told(ranks.actions) if isinstance(message, wire.Tiles)]
    assert (surveyed.max_iterations, surveyed.tiles) == (LIMIT, TILES - 10)
    assert sum(done_work) == pytest.approx(surveyed.work)


def test_a_run_of_which_nothing_is_left_is_rendered_at_once() -> None:
    ranks = Ranks(2)
    assert told(ranks.hear(replace(RUN, acknowledged=ALL))) == [
        wire.Started(run="a-1"),
        wire.Surveyed(run="a-1", max_iterations=LIMIT, work=0.0, tiles=0),
        wire.Rendered(run="a-1"),
    ]
    assert ranks.tasks == []


def test_a_second_run_waits_for_the_first() -> None:
    ranks = Ranks(1)
    ranks.hear(RUN)
    assert ranks.hear(replace(RUN, run="b-1")) == []
    while not any(message == wire.Rendered(run="a-1") for message in told(ranks.actions)):
        ranks.finish()
    assert told(ranks.actions)[-2:] == [wire.Rendered(run="a-1"), wire.Started(run="b-1")]


def test_a_cancelled_run_halts_every_rank_and_is_told_when_the_last_task_is_over() -> None:
    ranks = Ranks(2)
    ranks.hear(RUN)
    ranks.survey()
    assert ranks.hear(wire.Cancel(run="a-1")) == [Give(rank=rank, order=orders.Halt(run="a-1")) for rank in range(2)]
    for _ in range(2 * TASKS_A_RANK - 1):
        assert ranks.stop() == []
    assert ranks.stop() == [Tell(message=wire.Cancelled(run="a-1"))]
    assert ranks.schedule.idle


def test_a_batch_that_was_done_before_the_halt_reached_its_rank_is_dropped() -> None:
    ranks = Ranks(1)
    ranks.hear(RUN)
    ranks.survey()
    ranks.hear(wire.Cancel(run="a-1"))
    assert ranks.finish() == []


@pytest.mark.parametrize("waiting", [False, True], ids=["unknown", "waiting"])
def test_a_run_that_has_not_begun_is_cancelled_at_once(waiting: bool) -> None:
    ranks = Ranks(1)
    ranks.hear(RUN)
    if waiting:
        ranks.hear(replace(RUN, run="b-1"))
    assert ranks.hear(wire.Cancel(run="b-1")) == [Tell(message=wire.Cancelled(run="b-1"))]
    while ranks.tasks:
        ranks.finish()
    assert wire.Started(run="b-1") not in told(ranks.actions)


def test_a_run_put_again_while_it_is_being_cancelled_begins_after_that() -> None:
    ranks = Ranks(1)
    ranks.hear(RUN)
    ranks.survey()
    ranks.hear(wire.Cancel(run="a-1"))
    assert ranks.hear(RUN) == []
    ranks.stop()
    assert kinds(ranks.stop())[:3] == ["Cancelled", "Started", "Begin"]


def test_a_definition_that_cannot_be_rendered_fails_its_run_and_the_next_begins() -> None:
    ranks = Ranks(2)
    ranks.hear(RUN)
    ranks.hear(replace(RUN, run="b-1"))
    rank, task = ranks.tasks.pop(0)
    refused = Reported(rank=rank, outcome=orders.Refused(task=task.task, reason="no such palette"))
    assert kinds(ranks.hear(refused)) == ["Halt", "Halt"]
    assert told(ranks.stop()) == [wire.Failed(run="a-1", reason="no such palette"), wire.Started(run="b-1")]


def test_a_failing_run_that_is_cancelled_as_well_is_told_as_cancelled() -> None:
    ranks = Ranks(2)
    ranks.hear(RUN)
    rank, task = ranks.tasks.pop(0)
    ranks.hear(Reported(rank=rank, outcome=orders.Refused(task=task.task, reason="no such palette")))
    ranks.hear(wire.Cancel(run="a-1"))
    assert told(ranks.stop()) == [wire.Cancelled(run="a-1")]


def test_a_paused_world_finishes_its_tasks_and_hands_out_no_more_until_it_is_resumed() -> None:
    ranks = Ranks(1)
    ranks.hear(RUN)
    ranks.survey()
    ranks.hear(wire.Pause())
    given = len(ranks.tasks)
    for _ in range(given):
        assert kinds(ranks.finish()) == ["Tiles"]
    assert ranks.tasks == []
    assert kinds(ranks.hear(wire.Resume()))[:2] == ["Record", "Render"]


def test_to_stop_ends_the_world() -> None:
    assert Ranks(2).hear(wire.Stop()) == [End()]


def test_a_world_is_saturated_while_every_rank_has_a_task() -> None:
    ranks = Ranks(2)
    saturated = [ranks.schedule.saturated]
    ranks.hear(RUN)
    saturated.append(ranks.schedule.saturated)
    ranks.finish()
    saturated.append(ranks.schedule.saturated)
    assert saturated == [False, True, False]


def test_the_limit_that_an_earlier_world_decided_is_kept() -> None:
    ranks = Ranks(1)
    actions = ranks.hear(wire.Run(run="a-1", definition=UNDECIDED, max_iterations=500))
    assert Give(rank=0, order=orders.Begin(run="a-1", definition=replace(UNDECIDED, max_iterations=500))) in actions

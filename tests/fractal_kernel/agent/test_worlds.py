"""Stories about the life of a world: started, heard of, lost, started again."""

import pytest

from fractal_kernel.agent import worlds as w
from fractal_kernel.agent.worlds import Cause, Worlds


class Story:
    """A world's life on a clock that ticks each second, as the agent's does."""

    def __init__(self) -> None:
        self.worlds = Worlds(start_limit_s=60)
        self.now = 0.0

    def tell(self, *stimuli: w.Stimulus) -> list[w.Action]:
        return [action for one in stimuli for action in self.worlds.handle(one, self.now, 100)]

    def pass_time(self, seconds: int, *each_second: w.Stimulus, stopped: bool = False) -> list[w.Action]:
        actions = []
        for _ in range(seconds):
            self.now += 1
            actions += self.tell(*each_second, w.Tick(stopped=stopped))
        return actions


def ready(ranks: int = 2) -> Story:
    story = Story()
    story.tell(w.Begin(), w.Hello(epoch=100, ranks=ranks))
    return story


def test_a_wanted_world_is_started_under_the_name_of_its_epoch() -> None:
    story = Story()
    assert story.tell(w.Begin(), w.Begin()) == [w.Spawn(epoch=100)]
    assert story.tell(w.Hello(epoch=100, ranks=2)) == [w.Up(epoch=100, ranks=2)]


def test_a_lost_world_is_started_again_only_when_it_is_gone_and_under_a_newer_name() -> None:
    story = ready()
    story.pass_time(1)
    died = w.Fault(epoch=100, cause=Cause.DIED, message="mpirun ended with code 1")
    assert story.tell(died, died) == [
        w.Lost(epoch=100, cause=Cause.DIED, message="mpirun ended with code 1"),
        w.End(epoch=100),
    ]
    assert story.pass_time(60) == []
    assert story.tell(w.Gone(epoch=100)) == [w.Spawn(epoch=101)]


def test_words_of_an_older_world_are_not_heard() -> None:
    story = ready()
    story.tell(w.Fault(epoch=100, cause=Cause.DIED, message="x"), w.Gone(epoch=100))
    late = (
        w.Hello(epoch=100, ranks=2),
        w.Fault(epoch=100, cause=Cause.DIED, message="x"),
        w.Gone(epoch=100),
        w.Heard(epoch=100, silent_s=(0, 0)),
    )
    assert story.tell(*late) == []
    assert story.worlds.state is w.State.STARTING


def test_restarts_back_off_up_to_a_bound() -> None:
    story = ready()
    waits = []
    for _ in range(10):
        epoch = story.worlds.epoch
        story.tell(w.Fault(epoch=epoch, cause=Cause.DIED, message="x"), w.Gone(epoch=epoch))
        start = story.now
        while story.worlds.state is not w.State.STARTING:
            story.now += 0.5
            story.tell(w.Tick())
        waits.append(story.now - start)
    assert waits == [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    "sign", [pytest.param("progress", id="it brought tiles"), pytest.param("age", id="it lived for half a minute")]
)
def test_the_back_off_begins_anew_after_a_world_that_was_of_use(sign: str) -> None:
    story = ready()
    for _ in range(4):
        epoch = story.worlds.epoch
        story.tell(w.Fault(epoch=epoch, cause=Cause.DIED, message="x"), w.Gone(epoch=epoch))
        story.pass_time(4)
    epoch = story.worlds.epoch
    story.tell(w.Hello(epoch=epoch, ranks=1))
    if sign == "progress":
        story.tell(w.Progress())
    else:
        story.pass_time(30, w.Heard(epoch=epoch, silent_s=(0,)))
    assert story.tell(w.Fault(epoch=epoch, cause=Cause.DIED, message="x"), w.Gone(epoch=epoch))[-1] == w.Spawn(
        epoch=epoch + 1
    )


def test_a_world_that_never_answers_is_given_up() -> None:
    story = Story()
    story.tell(w.Begin())
    assert story.pass_time(60) == []
    assert story.pass_time(1)[0] == w.Lost(epoch=100, cause=Cause.LATE, message="the world did not answer within 60 s")


def test_a_silent_rank_condemns_its_world_after_twenty_seconds() -> None:
    story = ready()
    assert story.pass_time(30, w.Heard(epoch=100, silent_s=(0, 0))) == []
    told: list[w.Action] = []
    for second in range(22):
        told += story.pass_time(1, w.Heard(epoch=100, silent_s=(0, second)))
    assert told == [
        w.Lost(epoch=100, cause=Cause.HUNG, message="nothing was heard of rank 1 for 20 s"),
        w.End(epoch=100),
    ]


def test_a_world_without_any_heartbeat_is_condemned() -> None:
    story = ready()
    assert story.pass_time(20) == []
    assert story.pass_time(1)[0] == w.Lost(
        epoch=100, cause=Cause.HUNG, message="nothing was heard of rank 0 and rank 1 for 20 s"
    )


def test_a_stopped_mpirun_condemns_its_world_though_its_ranks_talk() -> None:
    story = ready()
    well = w.Heard(epoch=100, silent_s=(0, 0))
    story.pass_time(5, well)
    assert story.pass_time(20, well, stopped=True) == []
    assert story.pass_time(1, well, stopped=True)[0] == w.Lost(
        epoch=100, cause=Cause.HUNG, message="nothing was heard of mpirun for 20 s"
    )


def test_a_mpirun_that_goes_on_in_time_is_forgiven() -> None:
    story = ready()
    well = w.Heard(epoch=100, silent_s=(0, 0))
    told = story.pass_time(15, well, stopped=True) + story.pass_time(1, well)
    assert told + story.pass_time(15, well, stopped=True) == []


def test_an_agent_that_slept_does_not_blame_its_world() -> None:
    story = ready()
    story.pass_time(2)
    story.now += 3600
    assert story.tell(w.Tick()) == []
    assert story.pass_time(25)[0] == w.Lost(
        epoch=100, cause=Cause.HUNG, message="nothing was heard of rank 0 and rank 1 for 20 s"
    )


def test_a_world_that_is_no_longer_wanted_may_end_in_order_and_stays_down() -> None:
    story = ready()
    assert story.tell(w.Finish(), w.Finish()) == [w.End(epoch=100, orderly=True)]
    assert story.tell(w.Gone(epoch=100)) == []
    assert story.pass_time(60) == []
    assert story.worlds.state is w.State.STOPPED


def test_a_world_that_never_was_needs_no_ending() -> None:
    story = Story()
    assert story.tell(w.Finish()) == []
    assert story.worlds.state is w.State.STOPPED


def test_a_world_that_was_about_to_be_replaced_is_not_when_none_is_wanted() -> None:
    story = ready()
    story.tell(w.Fault(epoch=100, cause=Cause.DIED, message="x"))
    assert story.tell(w.Finish(), w.Gone(epoch=100)) == []
    assert story.worlds.state is w.State.STOPPED

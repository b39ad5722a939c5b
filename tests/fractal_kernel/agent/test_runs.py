"""Stories about runs, each told as what happens and what the agent then does."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fractal_kernel.agent import actions as a
from fractal_kernel.agent import stimuli as s
from fractal_kernel.agent.phases import Phase, RunView
from fractal_kernel.agent.roster import HISTORY, Verdict
from fractal_kernel.agent.runs import CANCEL_LIMIT_S, Runs
from fractal_kernel.wire import Tile

RUN, NEXT = "seahorse-1", "valley-1"


def put(run: str = RUN, *, stored: frozenset[int] = frozenset(), max_iterations: int | None = None) -> s.Put:
    return s.Put(run=run, digest=run, tiles=4, stored=stored, max_iterations=max_iterations)


def tiles(indices: Iterable[int]) -> tuple[Tile, ...]:
    return tuple((index, b"") for index in indices)


class Story:
    """Runs whose clock is set by hand."""

    def __init__(self, limit: int = 2) -> None:
        self.runs = Runs(limit=limit)
        self.now = 0.0

    def tell(self, *stimuli: s.Stimulus) -> list[a.Action]:
        return [action for stimulus in stimuli for action in self.runs.handle(stimulus, self.now)]

    def view(self, run: str = RUN) -> RunView:
        found = self.runs.roster.find(run)
        assert found is not None
        return found.view


def rendering(*, epoch: int = 7, run: str = RUN) -> Story:
    """A story in which a world renders the run, surveyed, without a tile so far."""
    story = Story()
    story.tell(put(run), s.WorldReady(epoch=epoch), s.Surveyed(epoch=epoch, run=run, max_iterations=100))
    return story


def assembling() -> Story:
    story = rendering()
    story.tell(
        s.TilesCame(epoch=7, run=RUN, tiles=tiles(range(4))),
        s.WorldFree(epoch=7, run=RUN),
        s.Acknowledged(run=RUN, tiles=range(4)),
    )
    return story


def test_a_run_goes_to_the_world_then_to_the_store_and_ends_complete() -> None:
    story = Story()
    assert story.tell(put()) == [a.Tell(run=RUN, phase=Phase.QUEUED)]
    assert story.tell(s.WorldReady(epoch=7)) == [
        a.SendRun(epoch=7, run=RUN, have=frozenset(), max_iterations=None),
        a.Tell(run=RUN, phase=Phase.RENDERING),
    ]
    assert story.tell(s.Surveyed(epoch=7, run=RUN, max_iterations=100)) == [a.Remember(run=RUN, max_iterations=100)]
    assert story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((2, 0)))) == [
        a.KeepTiles(epoch=7, run=RUN, tiles=tiles((2, 0)))
    ]
    assert story.tell(s.Acknowledged(run=RUN, tiles=(0, 2))) == [a.TellProgress(run=RUN)]
    assert story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((1, 3))), s.WorldFree(epoch=7, run=RUN)) == [
        a.KeepTiles(epoch=7, run=RUN, tiles=tiles((1, 3)))
    ]
    assert story.tell(s.Acknowledged(run=RUN, tiles=(1, 3))) == [
        a.TellProgress(run=RUN),
        a.Tell(run=RUN, phase=Phase.ASSEMBLING),
        a.Assemble(run=RUN, max_iterations=100),
    ]
    result: Any = object()
    assert story.tell(s.Assembled(run=RUN, result=result)) == [
        a.Tell(run=RUN, phase=Phase.COMPLETE),
        a.Close(run=RUN, phase=Phase.COMPLETE),
    ]
    assert story.view().result is result


def test_the_next_run_starts_when_the_first_has_ended() -> None:
    story = assembling()
    assert story.tell(put(NEXT)) == [a.Tell(run=NEXT, phase=Phase.QUEUED)]
    result: Any = object()
    assert story.tell(s.Assembled(run=RUN, result=result))[2:] == [
        a.SendRun(epoch=7, run=NEXT, have=frozenset(), max_iterations=None),
        a.Tell(run=NEXT, phase=Phase.RENDERING),
    ]


@pytest.mark.parametrize(
    ("run", "digest", "verdict"),
    [
        pytest.param(RUN, RUN, Verdict.KNOWN, id="the same again"),
        pytest.param(RUN, "other", Verdict.DIFFERENT, id="the same id for another picture"),
        pytest.param(NEXT, NEXT, Verdict.FREE, id="another run"),
        pytest.param("seahorse-2", RUN, Verdict.BUSY, id="another attempt at a picture that is on"),
    ],
)
def test_a_run_that_is_put_is_judged_by_its_id_and_picture(run: str, digest: str, verdict: Verdict) -> None:
    story = Story()
    story.tell(put())
    assert story.runs.roster.admit(run, digest) is verdict


def test_a_third_run_finds_both_places_taken() -> None:
    story = Story()
    story.tell(put(), put(NEXT))
    assert story.runs.roster.admit("third-1", "x") is Verdict.BUSY


def test_a_run_goes_on_with_what_store_and_spool_have_when_the_world_was_lost() -> None:
    story = rendering()
    story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((0, 1))), s.Acknowledged(run=RUN, tiles=(0,)))
    assert story.tell(s.WorldLost(cause="WorldDied", message="rank 1 died")) == [
        a.TellRetry(run=RUN, cause="WorldDied", message="rank 1 died")
    ]
    assert story.tell(s.WorldReady(epoch=8)) == [
        a.SendRun(epoch=8, run=RUN, have=frozenset({0, 1}), max_iterations=100),
        a.Tell(run=RUN, phase=Phase.RENDERING),
    ]


def test_messages_of_an_older_world_change_nothing() -> None:
    story = rendering()
    story.tell(s.WorldLost(cause="WorldDied", message="x"), s.WorldReady(epoch=8))
    late = (
        s.TilesCame(epoch=7, run=RUN, tiles=tiles((0,))),
        s.Surveyed(epoch=7, run=RUN, max_iterations=5),
        s.WorldFree(epoch=7, run=RUN),
        s.WorldRefused(epoch=7, run=RUN, message="x"),
    )
    before = story.view()
    assert story.tell(*late) == []
    assert story.view() == before
    assert story.runs.world_holds == RUN


def test_a_tile_that_comes_twice_is_kept_once() -> None:
    story = rendering()
    story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((0, 1))), s.Acknowledged(run=RUN, tiles=(0,)))
    assert story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((0, 1, 2)))) == [
        a.KeepTiles(epoch=7, run=RUN, tiles=tiles((2,)))
    ]


def test_a_run_fails_when_worlds_are_lost_in_vain_too_often() -> None:
    story = rendering()
    for epoch in (8, 9):
        story.tell(s.WorldLost(cause="WorldDied", message="x"), s.WorldReady(epoch=epoch))
    assert story.tell(s.WorldLost(cause="WorldHung", message="rank 2 was silent")) == [
        a.Tell(run=RUN, phase=Phase.FAILED),
        a.Close(run=RUN, phase=Phase.FAILED),
    ]
    assert story.view().reason == "WorldHung"
    assert story.view().message == "3 attempts in a row brought no tile; the last one: rank 2 was silent"


def test_each_acknowledged_tile_buys_new_attempts() -> None:
    story = rendering()
    for epoch in range(8, 11):
        story.tell(s.Acknowledged(run=RUN, tiles=(epoch - 8,)))
        story.tell(s.WorldLost(cause="WorldDied", message="x"), s.WorldReady(epoch=epoch))
    assert story.view().phase is Phase.RENDERING
    assert story.view().losses == 3


def test_a_lost_world_without_a_run_is_nobodys_failure() -> None:
    assert Story().tell(s.WorldReady(epoch=1), s.WorldLost(cause="WorldDied", message="x")) == []


def test_a_stored_run_without_its_iterations_is_surveyed_but_not_rendered() -> None:
    story = Story()
    story.tell(put(stored=frozenset(range(4))))
    assert story.tell(s.WorldReady(epoch=7))[0] == a.SendRun(
        epoch=7, run=RUN, have=frozenset(range(4)), max_iterations=None
    )
    assert a.Assemble(run=RUN, max_iterations=64) in story.tell(s.Surveyed(epoch=7, run=RUN, max_iterations=64))


def test_a_stored_run_with_its_iterations_is_assembled_before_there_is_a_world() -> None:
    story = Story()
    assert story.tell(put(stored=frozenset(range(4)), max_iterations=64)) == [
        a.Tell(run=RUN, phase=Phase.QUEUED),
        a.Tell(run=RUN, phase=Phase.ASSEMBLING),
        a.Assemble(run=RUN, max_iterations=64),
    ]


def test_an_assembly_goes_on_without_a_world() -> None:
    story = assembling()
    assert story.tell(s.WorldLost(cause="WorldDied", message="x"), s.WorldReady(epoch=8)) == []
    assert story.view().losses == 0


def test_a_tile_that_the_store_lost_is_rendered_again() -> None:
    story = assembling()
    assert story.tell(s.AssemblyFailed(run=RUN, message="tile 3 is damaged", lost=frozenset({3}))) == [
        a.TellRetry(run=RUN, cause="AssemblyFailed", message="tile 3 is damaged"),
        a.SendRun(epoch=7, run=RUN, have=frozenset({0, 1, 2}), max_iterations=100),
        a.Tell(run=RUN, phase=Phase.RENDERING),
    ]


def test_an_image_that_can_never_be_assembled_fails_its_run() -> None:
    story = assembling()
    for _ in range(3):
        story.tell(s.AssemblyFailed(run=RUN, message="the chunks changed"))
    assert story.view().phase is Phase.FAILED


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(rendering, [a.SendCancel(epoch=7, run=RUN)], id="while it renders"),
        pytest.param(assembling, [a.DropAssembly(run=RUN)], id="while it is assembled"),
    ],
)
def test_a_cancelled_run_ends_at_once_and_only_once(story: Callable[[], Story], expected: list[a.Action]) -> None:
    told = story()
    assert told.tell(s.Delete(run=RUN)) == [
        *expected,
        a.Tell(run=RUN, phase=Phase.CANCELLED),
        a.Close(run=RUN, phase=Phase.CANCELLED),
    ]
    assert told.tell(s.Delete(run=RUN), s.Delete(run="unknown-1")) == []


def test_a_cancelled_run_takes_its_spooled_tiles_along() -> None:
    story = rendering()
    story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((0,))))
    assert a.DropTiles(run=RUN) in story.tell(s.Delete(run=RUN))
    assert story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((1,))), s.Acknowledged(run=RUN, tiles=(0,))) == []


def test_the_next_run_waits_until_the_world_has_let_go_of_a_cancelled_one() -> None:
    story = rendering()
    assert story.tell(put(NEXT), s.Delete(run=RUN))[-1] == a.Close(run=RUN, phase=Phase.CANCELLED)
    assert story.tell(s.WorldFree(epoch=7, run=RUN))[0] == a.SendRun(
        epoch=7, run=NEXT, have=frozenset(), max_iterations=None
    )


def test_the_next_run_can_be_cancelled_without_touching_the_first() -> None:
    story = rendering()
    story.tell(put(NEXT))
    assert story.tell(s.Delete(run=NEXT)) == [
        a.Tell(run=NEXT, phase=Phase.CANCELLED),
        a.Close(run=NEXT, phase=Phase.CANCELLED),
    ]
    assert story.view().phase is Phase.RENDERING


def test_a_world_that_does_not_let_go_is_condemned_once() -> None:
    story = rendering()
    story.tell(s.Delete(run=RUN))
    story.now = CANCEL_LIMIT_S - 0.1
    assert story.tell(s.Clock()) == []
    story.now = CANCEL_LIMIT_S
    (condemned,) = story.tell(s.Clock(), s.Clock())
    assert condemned == a.CondemnWorld(epoch=7, message=f"the world did not let go of run {RUN} within 5 s")


def test_a_run_that_the_world_refuses_fails_and_frees_it() -> None:
    story = rendering()
    story.tell(put(NEXT))
    assert story.tell(s.WorldRefused(epoch=7, run=RUN, message="no such palette")) == [
        a.Tell(run=RUN, phase=Phase.FAILED),
        a.Close(run=RUN, phase=Phase.FAILED),
        a.SendRun(epoch=7, run=NEXT, have=frozenset(), max_iterations=None),
        a.Tell(run=NEXT, phase=Phase.RENDERING),
    ]
    assert story.view().message == "no such palette"


def test_a_full_spool_pauses_the_world_and_each_later_one_until_there_is_room() -> None:
    story = rendering()
    assert story.tell(s.SpoolFull(), s.SpoolFull()) == [
        a.SendPause(epoch=7),
        a.TellBackpressure(run=RUN, held_up=True),
    ]
    story.tell(s.WorldLost(cause="WorldDied", message="x"))
    assert story.tell(s.WorldReady(epoch=8))[0] == a.SendPause(epoch=8)
    assert story.tell(s.SpoolRoom(), s.SpoolRoom()) == [
        a.SendResume(epoch=8),
        a.TellBackpressure(run=RUN, held_up=False),
    ]


def test_a_run_fails_when_its_store_stays_away() -> None:
    story = rendering()
    assert story.tell(s.StoreLost(run=RUN, reason="StoreAway", message="no answer for 600 s")) == [
        a.SendCancel(epoch=7, run=RUN),
        a.Tell(run=RUN, phase=Phase.FAILED),
        a.Close(run=RUN, phase=Phase.FAILED),
    ]


def test_a_run_that_was_begun_anew_elsewhere_is_cancelled_here_and_leaves_the_world_to_the_next_one() -> None:
    story = rendering()
    story.tell(put(NEXT), s.TilesCame(epoch=7, run=RUN, tiles=tiles((0,))))
    assert story.tell(s.Superseded(run=RUN, message="attempt 2 was begun already")) == [
        a.SendCancel(epoch=7, run=RUN),
        a.DropTiles(run=RUN),
        a.Tell(run=RUN, phase=Phase.CANCELLED),
        a.Close(run=RUN, phase=Phase.CANCELLED),
    ]
    assert (story.view().reason, story.view().message) == ("RunConflict", "attempt 2 was begun already")
    assert story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((1,)))) == []
    assert story.tell(s.WorldFree(epoch=7, run=RUN))[0] == a.SendRun(
        epoch=7, run=NEXT, have=frozenset(), max_iterations=None
    )
    assert story.tell(s.Superseded(run=RUN, message="again")) == []


def test_an_ending_agent_stops_the_world_keeps_what_still_comes_and_reports_interrupted() -> None:
    story = rendering()
    story.tell(put(NEXT))
    assert story.tell(s.Terminate()) == [a.SendCancel(epoch=7, run=RUN)]
    assert story.tell(s.TilesCame(epoch=7, run=RUN, tiles=tiles((0,))), s.WorldFree(epoch=7, run=RUN)) == [
        a.KeepTiles(epoch=7, run=RUN, tiles=tiles((0,)))
    ]
    assert story.tell(s.Acknowledged(run=RUN, tiles=(0,)), s.Flushed()) == [
        a.TellProgress(run=RUN),
        a.Tell(run=RUN, phase=Phase.INTERRUPTED),
        a.Close(run=RUN, phase=Phase.INTERRUPTED),
        a.Tell(run=NEXT, phase=Phase.INTERRUPTED),
        a.Close(run=NEXT, phase=Phase.INTERRUPTED),
    ]


def test_an_ending_agent_drops_an_assembly_and_is_not_moved_by_its_world() -> None:
    story = assembling()
    assert story.tell(s.Terminate()) == [a.DropAssembly(run=RUN)]
    assert story.tell(s.WorldLost(cause="WorldDied", message="x"), s.WorldReady(epoch=8)) == []


def test_a_run_that_the_store_knows_to_be_over_is_told_and_never_rendered() -> None:
    story = Story()
    story.tell(s.WorldReady(epoch=7))
    told = s.Recall(run=RUN, digest=RUN, tiles=4, phase=Phase.FAILED, reason="RenderFailed", message="no such palette")
    assert story.tell(told) == [a.Tell(run=RUN, phase=Phase.FAILED, recalled=True)]
    assert story.runs.roster.admit(RUN, RUN) is Verdict.KNOWN
    assert story.view().message == "no such palette"


def test_only_so_many_ended_runs_are_remembered() -> None:
    story = Story()
    for number in range(HISTORY + 1):
        story.tell(s.Recall(run=f"r-{number}", digest="x", tiles=1, phase=Phase.CANCELLED))
    assert [run.id for run in story.runs.roster.ended] == [f"r-{number}" for number in range(1, HISTORY + 1)]

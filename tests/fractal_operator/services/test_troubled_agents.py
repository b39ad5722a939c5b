"""Agents that don't take a run, or don't always answer, and what becomes of the job. Fakes as in test_placing."""

import asyncio
from collections.abc import Callable

import pytest
from support.operator_clockwork import play
from support.operator_job_stage import Stage, WorldFake

from fractal_operator.core import answers as w
from fractal_operator.core.lifecycle import State

FULL = w.Later(word="StoreFull", message="the store has no room: used memory > 'maxmemory'", after_s=5.0)


def interpose(world: WorldFake, answer: Callable[[w.Errand], w.Answer | None]) -> list[w.Errand]:
    """Let the world's agent answer so, where that is not None; the errands that come."""
    agent = world.agent
    assert agent is not None
    ordinary, came = agent.do, []

    def do(errand: w.Errand) -> w.Answer:
        came.append(errand)
        return answer(errand) or ordinary(errand)

    agent.do = do  # type: ignore[method-assign]
    return came


def refusing_puts(answer: w.Answer) -> Callable[[w.Errand], w.Answer | None]:
    return lambda errand: answer if isinstance(errand, w.Put) else None


def test_a_full_store_is_told_of_and_bounded_though_the_agent_answers() -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        came = interpose(world, refusing_puts(FULL))
        stage.start_operator()
        stage.submit("a")
        await stage.until(lambda: stage.status("a").assigned_to == "w1")
        await stage.until(lambda: any(told.reason == "StoreFull" for told in stage.status("a").conditions), within_s=10)
        assert stage.state("a") is State.ASSIGNED
        assert "no room" in stage.condition("a", "Running").message
        await asyncio.sleep(590)
        await stage.until(lambda: stage.status("a").interruptions == 1, within_s=50)
        assert stage.condition("a", "Assigned").reason == "StoreFull"
        assert len(came) < 120
        stage.close()

    play(scene)


def test_a_job_goes_on_when_the_store_has_room_again() -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        full = True
        interpose(world, lambda errand: FULL if full and isinstance(errand, w.Put) else None)
        stage.start_operator()
        stage.submit("a")
        await asyncio.sleep(30)
        full = False
        await stage.ends("a", within_s=20)
        assert (stage.status("a").attempts, stage.status("a").interruptions) == (1, 0)
        stage.close()

    play(scene)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (w.Refused(word="StoreUnsafe", message="set appendfsync to always"), "StoreAway"),
        (w.Refused(word="StoreCorrupt", message="the record can't be read"), "ResultLost"),
        (w.Refused(word="RecordError", message="this is no result record"), "ResultLost"),
    ],
)
def test_a_store_that_never_takes_the_run_ends_the_attempt_at_once(answer: w.Refused, reason: str) -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        interpose(world, refusing_puts(answer))
        stage.start_operator()
        stage.submit("a")
        await stage.until(lambda: stage.status("a").interruptions == 1, within_s=5)
        assert stage.condition("a", "Assigned").reason == reason
        assert answer.message in stage.condition("a", "Assigned").message
        await stage.ends("a", State.FAILED, within_s=600)
        assert stage.status("a").failures == 0
        stage.close()

    play(scene)


@pytest.mark.parametrize(
    "answer",
    [
        w.Away(message="its agent did not answer within 20 s"),
        w.Busy(runs=("nobody-1",)),
        w.Later(word="Ending", message="this agent is about to end"),
    ],
)
def test_an_agent_that_answers_all_but_puts_loses_the_job(answer: w.Answer) -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        came = interpose(world, refusing_puts(answer))
        stage.start_operator()
        stage.submit("a")
        await stage.until(lambda: stage.status("a").interruptions == 1, within_s=90)
        assert sum(isinstance(errand, w.Put) for errand in came) < 70
        stage.close()

    play(scene)


def test_a_run_that_is_heard_again_after_one_silence_stays_where_it_is() -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        assert world.agent is not None
        world.agent.tile_s = 20.0
        silent = 1

        def answer(errand: w.Errand) -> w.Answer | None:
            nonlocal silent
            if isinstance(errand, w.Ask) and silent:
                silent -= 1
                return w.Away(message="its agent did not answer within 5 s")
            return None

        came = interpose(world, answer)
        stage.start_operator()
        stage.submit("a", tiles=10)
        await stage.ends("a", within_s=300)
        assert silent == 0
        assert (stage.status("a").attempts, stage.status("a").interruptions) == (1, 0)
        assert len(came) < 30
        stage.close()

    play(scene)


def test_a_line_of_the_run_ends_the_silence_of_its_agent() -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        operator = stage.start_operator()
        stage.submit("a", tiles=200)
        await stage.ends("a", State.RUNNING)
        assert world.agent is not None
        world.agent.reachable = False
        slot = operator.scheduler.board.slot("w1")
        slot.silent(0.0, "it did not answer")
        await asyncio.sleep(150)
        assert stage.state("a") is State.RUNNING
        assert (slot.silences, slot.absent_since) == (0, None)
        stage.close()

    play(scene)


def test_the_scheduler_sleeps_while_an_agent_is_silent() -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        operator = stage.start_operator()
        stage.submit("a", tiles=1)
        await stage.ends("a")
        assert world.agent is not None
        slot = operator.scheduler.board.slot("w1")
        slot.silent(asyncio.get_running_loop().time(), "it did not answer")
        operator.scheduler.board.wake()
        await asyncio.sleep(5)
        assert slot.silences == 0, "an idle world's agent is asked again, too"
        cycles, ordinary = 0, operator.scheduler._cycle

        async def counted() -> None:
            nonlocal cycles
            cycles += 1
            await ordinary()

        operator.scheduler._cycle = counted  # type: ignore[method-assign]
        await asyncio.sleep(100)
        assert cycles < 10
        stage.close()

    play(scene)

"""Everything that may befall jobs, worlds, operators, store and API server, as rules that hypothesis puts in any order.

The shipped scheduler with its core, and `fractal_api`'s commit, run among the fakes of `operator_job_stage`; judges
(`operator_life_judges`) look at each write and each tile. At the end (`operator_life_end`) all is healed, and every job
must come to its end.
"""

import asyncio
from functools import partial
from typing import Final

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support import operator_agent_fake
from support.operator_agent_fake import TILE_S
from support.operator_job_stage import Stage
from support.operator_life_end import CALM_S, calm_down
from support.operator_life_judges import Judges
from support.operator_life_play import Play

from fractal_operator.core.run_facts import ABSENT_S

MAX_JOBS: Final = 6
MAX_OPERATORS: Final = 2
MANY: Final = 3
"""Tiles that a run lacks when two worlds can be at it for a while."""

SLOW_S: Final = 2 / 3 * ABSENT_S
"""Seconds that a tile takes when a world is to be still at work after its job went elsewhere."""

BRIEFLY: Final = (8.0, False, TILE_S)
"""A cut: for so long, whether its lines are heard meanwhile, and the seconds of a tile."""

moments = st.sampled_from([0.01, 0.03, 0.1, 0.4, 1.1, 2.5, 5.0])
delays = st.sampled_from([0.01, 0.3, 0.8])
picks = st.integers(0, 99)


class LifeOfJobs(Play):
    """The rules."""

    judges: Judges

    # ---- the beginning ---------------------------------------------------------------------------------------------

    @initialize(
        worlds=st.integers(1, 3),
        tiles=st.lists(st.integers(1, 5), min_size=2, max_size=4),
        slowness=st.tuples(delays, delays),
        then_s=moments,
    )
    def begin(self, worlds: int, tiles: list[int], slowness: tuple[float, float], then_s: float) -> None:
        async def scene() -> None:
            self.stage = Stage()
            self.judges = Judges(self.stage)
            for _ in range(worlds):
                self.add_world()
            operator = self.stage.start_operator()
            await asyncio.sleep(0.5)
            operator.line_s, operator.errand_s = slowness
            for count in tiles:
                self.add_job(count, 0)
            await asyncio.sleep(then_s)

        self.play(scene)

    # ---- people ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.stage.server.jobs) < MAX_JOBS)
    @rule(tiles=st.integers(1, 5), priority=st.integers(-2, 2), then_s=moments)
    def submit(self, tiles: int, priority: int, then_s: float) -> None:
        self.do(lambda: self.add_job(tiles, priority), then_s)

    @precondition(lambda self: self.stage.server.jobs)
    @rule(pick=picks, for_s=st.sampled_from([0.01, 0.3, 3.0, 1e9]), then_s=moments)
    def suspend(self, pick: int, for_s: float, then_s: float) -> None:
        name = self.pick(sorted(self.stage.server.jobs), pick)

        def change() -> None:
            self.stage.set_execution(name, suspend=True)
            if for_s < CALM_S:
                self.stage.later(for_s, partial(self.resume, name))

        self.do(change, then_s)

    @precondition(lambda self: len(self.stage.server.jobs) > 1)
    @rule(pick=picks, then_s=moments)
    def delete(self, pick: int, then_s: float) -> None:
        name = self.pick(sorted(self.stage.server.jobs), pick)
        self.do(lambda: self.stage.server.remove(name), then_s)

    @rule(seconds=moments)
    def wait(self, seconds: float) -> None:
        self.do(lambda: None, seconds)

    # ---- operators -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.stage.operators)
    @rule(pick=picks, steps=st.integers(1, 20), next_s=st.sampled_from([0.0, 0.1, 2.0]), then_s=moments)
    def an_operator_dies_in_the_middle(self, pick: int, steps: int, next_s: float, then_s: float) -> None:
        self.operator(pick).crash_in = steps
        self.do(lambda: self.stage.later(next_s, self.succeed), then_s)

    @precondition(lambda self: len(self.stage.operators) < MAX_OPERATORS)
    @rule(
        lag_s=st.sampled_from([0.01, 0.3, 2.0]),
        slowness=st.tuples(delays, delays),
        jobs=st.integers(0, 2),
        then_s=moments,
    )
    def another_operator_leads(self, lag_s: float, slowness: tuple[float, float], jobs: int, then_s: float) -> None:
        """Both believe that they lead; the new one may be behind, and jobs come meanwhile."""

        def start() -> None:
            operator = self.stage.start_operator()
            operator.lag_s = lag_s
            operator.line_s, operator.errand_s = slowness
            self.judges.overlapped |= len(self.stage.operators) > 1

        self.do(start, 1.0)
        for _ in range(jobs if len(self.stage.server.jobs) < MAX_JOBS else 0):
            self.do(lambda: self.add_job(5, 0), then_s)

    @precondition(lambda self: self.stage.operators)
    @rule(pick=picks, for_s=st.sampled_from([0.1, 1.0, 5.0]), then_s=moments)
    def a_watch_stands_still(self, pick: int, for_s: float, then_s: float) -> None:
        operator = self.operator(pick)

        operator.watch_held = True
        self.do(lambda: self.stage.later(for_s, operator.catch_up), then_s)

    @precondition(lambda self: self.stage.operators)
    @rule(pick=picks, line_s=delays, errand_s=delays)
    def the_network_is_slow(self, pick: int, line_s: float, errand_s: float) -> None:
        operator = self.operator(pick)
        operator.line_s, operator.errand_s = line_s, errand_s

    # ---- worlds ----------------------------------------------------------------------------------------------------

    @rule(pick=picks, gap_s=st.sampled_from([0.0, 0.03, 0.5, 6.0, 65.0]), echoes=st.integers(0, 15), then_s=moments)
    def an_agent_is_replaced(self, pick: int, gap_s: float, echoes: int, then_s: float) -> None:
        """Its last lines are read again and again meanwhile, by whoever still follows the old log."""
        world = self.world(pick)

        def replace() -> None:
            world.die()
            self.stage.later(gap_s, partial(self.boot, world))
            for number in range(echoes):
                self.stage.later(gap_s + number / 10, partial(self.hear_again, world, world.said[-1:]))

        self.do(replace, then_s)

    @rule(pick=picks, then_s=moments)
    def an_agent_ends_in_good_order(self, pick: int, then_s: float) -> None:
        world = self.world(pick)

        def end() -> None:
            if world.agent is not None:
                world.agent.terminate()
                self.stage.later(0.5, world.die)
                self.stage.later(1.5, partial(self.boot, world))

        self.do(end, then_s)

    @rule(pick=picks, then_s=moments)
    def a_container_is_restarted(self, pick: int, then_s: float) -> None:
        world = self.world(pick)
        self.do(lambda: world.agent.restart_inside() if world.agent else None, then_s)

    @rule(pick=picks, reason=st.sampled_from(["RenderFailed", "WorldHung", "StoreAway"]))
    def a_run_will_fail(self, pick: int, reason: str) -> None:
        world = self.world(pick)
        if world.agent is not None:
            world.agent.faults.append(reason)

    @precondition(lambda self: self.busiest_agent() is not None)
    @rule(
        how=st.sampled_from(
            [
                BRIEFLY,
                (8.0, True, TILE_S),
                (ABSENT_S + 5.0, False, TILE_S),
                (2.5 * ABSENT_S, True, SLOW_S),
                (2.5 * ABSENT_S, False, SLOW_S),
                (2.5 * ABSENT_S, False, SLOW_S),
            ]
        ),
        then_s=st.sampled_from([2.5, 1.5 * ABSENT_S]),
    )
    def an_agent_is_cut_off_from_the_operator_alone(self, how: tuple[float, bool, float], then_s: float) -> None:
        """It renders on, at some pace, and the store takes what it brings; after a while it is back."""
        if self.tiles_left() < MANY and len(self.stage.server.jobs) < 2 * MAX_JOBS:
            self.do(lambda: self.add_job(5, 0), 2.5)
        agent = self.busiest_agent()
        if agent is not None:
            # Whoever has nothing to do is soon back, or soon there would be nobody left.
            for_s, agent.heard, agent.tile_s = how if agent.left else BRIEFLY
            agent.reachable = False
            self.do(lambda: self.stage.later(for_s, agent.come_back), then_s)

    @rule(pick=picks, line=picks, then_s=moments)
    def an_old_line_is_read_again(self, pick: int, line: int, then_s: float) -> None:
        world = self.world(pick)
        if world.said:
            self.do(lambda: self.hear_again(world, [self.pick(world.said, line)]), then_s)

    @rule(pick=picks, for_s=st.sampled_from([0.5, 5.0]), then_s=moments)
    def lines_are_lost(self, pick: int, for_s: float, then_s: float) -> None:
        world = self.world(pick)
        world.lines_lost = True
        self.do(lambda: self.stage.later(for_s, partial(setattr, world, "lines_lost", False)), then_s)

    @rule(pick=picks, then_s=moments)
    def a_drain_s_deadline_passes(self, pick: int, then_s: float) -> None:
        name = self.world(pick).name

        def interrupt() -> None:
            for operator in self.stage.operators:
                operator.scheduler.interrupt(name, "it drains")

        self.do(interrupt, then_s)

    @precondition(lambda self: len(self.stage.worlds) > 1)
    @rule(pick=picks, then_s=moments)
    def a_world_is_deleted_and_another_made(self, pick: int, then_s: float) -> None:
        name = self.world(pick).name

        def change() -> None:
            self.stage.drop_world(name)
            self.add_world()

        self.do(change, then_s)

    # ---- store and API server --------------------------------------------------------------------------------------

    @rule(what=st.sampled_from(["away", "hidden"]), for_s=st.sampled_from([0.3, 2.0, 30.0]), then_s=moments)
    def the_store_is_away(self, what: str, for_s: float, then_s: float) -> None:
        store = self.stage.store
        setattr(store, what, True)
        self.do(lambda: self.stage.later(for_s, partial(setattr, store, what, False)), then_s)

    @rule(times=st.integers(1, 9))
    def chunks_are_damaged_on_their_way(self, times: int) -> None:
        self.stage.store.damages = times

    @rule(for_s=st.sampled_from([0.05, 2.0, 20.0]), then_s=moments)
    def the_api_server_is_away(self, for_s: float, then_s: float) -> None:
        server = self.stage.server
        server.away = True
        self.do(lambda: self.stage.later(for_s, partial(setattr, server, "away", False)), then_s)

    # ---- what must hold --------------------------------------------------------------------------------------------

    @rule(times=st.integers(1, 3), then_s=moments)
    def answers_of_the_api_server_get_lost(self, times: int, then_s: float) -> None:
        self.do(lambda: setattr(self.stage.server, "mute", times), then_s)

    @invariant()
    def nothing_happened_that_must_never_happen(self) -> None:
        operator_agent_fake.raise_if_violated()

    def teardown(self) -> None:
        try:
            if hasattr(self, "stage") and not operator_agent_fake.violations:
                self.play(lambda: calm_down(self.stage))
        finally:
            self.close()


def live(seed: int, *, examples: int, steps: int = 30, shrink: bool = True) -> None:
    """Let hypothesis play so many lives; an AssertionError tells of the first thing that must never happen."""
    print(f"the life of jobs: seed {seed}, {examples} examples")
    machine = type("LifeOfJobs", (LifeOfJobs,), {})
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    given = settings(
        max_examples=examples,
        stateful_step_count=steps,
        phases=phases,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=given)

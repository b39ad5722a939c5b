"""Everything that may befall jobs, worlds, operators, store and API server, as rules that hypothesis puts in any order.

The shipped scheduler with its core, and `fractal_api`'s commit, run among the fakes of `operator_job_stage`; judges
look at each write and each tile. At the end all is healed, and every job must come to its end.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support import operator_agent_fake
from support.operator_clockwork import Clockwork
from support.operator_job_stage import OperatorFake, Stage, WorldFake

from fractal_api.events import Event
from fractal_operator.core.failures import MAX_INTERRUPTIONS
from fractal_operator.core.jobs import read_job
from fractal_operator.core.lifecycle import ACTIVE, WAITING, State, state_of

T = TypeVar("T")

MAX_JOBS: Final = 6
MAX_OPERATORS: Final = 2
UNREACHABLE_S: Final = 8.0
NEWS_S: Final = 0.2
"""How old news of a world's agent may be when a status is written that rests on them."""

CALM_S: Final = 2000.0
IDLE_S: Final = 3.0

moments = st.sampled_from([0.01, 0.03, 0.1, 0.4, 1.1, 2.5, 5.0])
delays = st.sampled_from([0.01, 0.3, 0.8])
picks = st.integers(0, 99)


class LifeOfJobs(RuleBasedStateMachine):
    """The rules."""

    def __init__(self) -> None:
        super().__init__()
        operator_agent_fake.violations.clear()
        self.loop = Clockwork()
        self.loop.set_exception_handler(self._surprised)
        self.stage: Stage
        self.numbers = 0
        self.overlapped = False
        self.worlds = 0

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
            self.stage.server.judges.append(self._judge)
            self.stage.store.judges.append(self._judge_forgetting)
            for _ in range(worlds):
                self._add_world()
            operator = self.stage.start_operator()
            await asyncio.sleep(0.5)
            operator.line_s, operator.errand_s = slowness
            for count in tiles:
                self._submit(count, 0)
            await asyncio.sleep(then_s)

        self._play(scene)

    # ---- people ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.stage.server.jobs) < MAX_JOBS)
    @rule(tiles=st.integers(1, 5), priority=st.integers(-2, 2), then_s=moments)
    def submit(self, tiles: int, priority: int, then_s: float) -> None:
        self._do(lambda: self._submit(tiles, priority), then_s)

    @precondition(lambda self: self.stage.server.jobs)
    @rule(pick=picks, for_s=st.sampled_from([0.01, 0.3, 3.0, 1e9]), then_s=moments)
    def suspend(self, pick: int, for_s: float, then_s: float) -> None:
        name = self._pick(sorted(self.stage.server.jobs), pick)

        def change() -> None:
            self.stage.set_execution(name, suspend=True)
            if for_s < CALM_S:
                self.stage.later(for_s, partial(self._resume, name))

        self._do(change, then_s)

    @precondition(lambda self: len(self.stage.server.jobs) > 1)
    @rule(pick=picks, then_s=moments)
    def delete(self, pick: int, then_s: float) -> None:
        name = self._pick(sorted(self.stage.server.jobs), pick)
        self._do(lambda: self.stage.server.remove(name), then_s)

    @rule(seconds=moments)
    def wait(self, seconds: float) -> None:
        self._do(lambda: None, seconds)

    # ---- operators -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.stage.operators)
    @rule(pick=picks, steps=st.integers(1, 20), next_s=st.sampled_from([0.0, 0.1, 2.0]), then_s=moments)
    def an_operator_dies_in_the_middle(self, pick: int, steps: int, next_s: float, then_s: float) -> None:
        self._operator(pick).crash_in = steps
        self._do(lambda: self.stage.later(next_s, self._succeed), then_s)

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
            self.overlapped |= len(self.stage.operators) > 1

        self._do(start, 1.0)
        for _ in range(jobs if len(self.stage.server.jobs) < MAX_JOBS else 0):
            self._do(lambda: self._submit(5, 0), then_s)

    @precondition(lambda self: self.stage.operators)
    @rule(pick=picks, for_s=st.sampled_from([0.1, 1.0, 5.0]), then_s=moments)
    def a_watch_stands_still(self, pick: int, for_s: float, then_s: float) -> None:
        operator = self._operator(pick)

        operator.watch_held = True
        self._do(lambda: self.stage.later(for_s, operator.catch_up), then_s)

    @precondition(lambda self: self.stage.operators)
    @rule(pick=picks, line_s=delays, errand_s=delays)
    def the_network_is_slow(self, pick: int, line_s: float, errand_s: float) -> None:
        operator = self._operator(pick)
        operator.line_s, operator.errand_s = line_s, errand_s

    # ---- worlds ----------------------------------------------------------------------------------------------------

    @rule(pick=picks, gap_s=st.sampled_from([0.0, 0.03, 0.5, 6.0, 65.0]), echoes=st.integers(0, 15), then_s=moments)
    def an_agent_is_replaced(self, pick: int, gap_s: float, echoes: int, then_s: float) -> None:
        """Its last lines are read again and again meanwhile, by whoever still follows the old log."""
        world = self._world(pick)

        def replace() -> None:
            world.die()
            self.stage.later(gap_s, partial(self._boot, world))
            for number in range(echoes):
                self.stage.later(gap_s + number / 10, partial(self._hear_again, world, world.said[-1:]))

        self._do(replace, then_s)

    @rule(pick=picks, then_s=moments)
    def an_agent_ends_in_good_order(self, pick: int, then_s: float) -> None:
        world = self._world(pick)

        def end() -> None:
            if world.agent is not None:
                world.agent.terminate()
                self.stage.later(0.5, world.die)
                self.stage.later(1.5, partial(self._boot, world))

        self._do(end, then_s)

    @rule(pick=picks, then_s=moments)
    def a_container_is_restarted(self, pick: int, then_s: float) -> None:
        world = self._world(pick)
        self._do(lambda: world.agent.restart_inside() if world.agent else None, then_s)

    @rule(pick=picks, reason=st.sampled_from(["RenderFailed", "WorldHung", "StoreAway"]))
    def a_run_will_fail(self, pick: int, reason: str) -> None:
        world = self._world(pick)
        if world.agent is not None:
            world.agent.faults.append(reason)

    @rule(pick=picks, then_s=moments)
    def an_agent_is_not_reachable_for_a_while(self, pick: int, then_s: float) -> None:
        agent = self._world(pick).agent
        now = self.loop.time()
        if agent is not None and now - agent.cut_off_at > 3 * UNREACHABLE_S:
            agent.reachable, agent.cut_off_at = False, now
            self._do(lambda: self.stage.later(UNREACHABLE_S, partial(setattr, agent, "reachable", True)), then_s)

    @rule(pick=picks, line=picks, then_s=moments)
    def an_old_line_is_read_again(self, pick: int, line: int, then_s: float) -> None:
        world = self._world(pick)
        if world.said:
            self._do(lambda: self._hear_again(world, [self._pick(world.said, line)]), then_s)

    @rule(pick=picks, for_s=st.sampled_from([0.5, 5.0]), then_s=moments)
    def lines_are_lost(self, pick: int, for_s: float, then_s: float) -> None:
        world = self._world(pick)
        world.lines_lost = True
        self._do(lambda: self.stage.later(for_s, partial(setattr, world, "lines_lost", False)), then_s)

    @rule(pick=picks, then_s=moments)
    def a_drain_s_deadline_passes(self, pick: int, then_s: float) -> None:
        name = self._world(pick).name

        def interrupt() -> None:
            for operator in self.stage.operators:
                operator.scheduler.interrupt(name, "it drains")

        self._do(interrupt, then_s)

    @precondition(lambda self: len(self.stage.worlds) > 1)
    @rule(pick=picks, then_s=moments)
    def a_world_is_deleted_and_another_made(self, pick: int, then_s: float) -> None:
        name = self._world(pick).name

        def change() -> None:
            self.stage.drop_world(name)
            self._add_world()

        self._do(change, then_s)

    # ---- store and API server --------------------------------------------------------------------------------------

    @rule(what=st.sampled_from(["away", "hidden"]), for_s=st.sampled_from([0.3, 2.0, 30.0]), then_s=moments)
    def the_store_is_away(self, what: str, for_s: float, then_s: float) -> None:
        store = self.stage.store
        setattr(store, what, True)
        self._do(lambda: self.stage.later(for_s, partial(setattr, store, what, False)), then_s)

    @rule(times=st.integers(1, 9))
    def chunks_are_damaged_on_their_way(self, times: int) -> None:
        self.stage.store.damages = times

    @rule(for_s=st.sampled_from([0.05, 2.0, 20.0]), then_s=moments)
    def the_api_server_is_away(self, for_s: float, then_s: float) -> None:
        server = self.stage.server
        server.away = True
        self._do(lambda: self.stage.later(for_s, partial(setattr, server, "away", False)), then_s)

    # ---- what must hold --------------------------------------------------------------------------------------------

    @rule(times=st.integers(1, 3), then_s=moments)
    def answers_of_the_api_server_get_lost(self, times: int, then_s: float) -> None:
        self._do(lambda: setattr(self.stage.server, "mute", times), then_s)

    @invariant()
    def nothing_happened_that_must_never_happen(self) -> None:
        if operator_agent_fake.violations:
            raise operator_agent_fake.ViolationError(operator_agent_fake.violations[0])

    def teardown(self) -> None:
        try:
            if hasattr(self, "stage") and not operator_agent_fake.violations:
                self._play(self._calm_down)
        finally:
            self._close()

    # ---- the end ---------------------------------------------------------------------------------------------------

    async def _calm_down(self) -> None:
        """Heal everything, and let all jobs come to their end, under one leader."""
        stage = self.stage
        stage.server.away = stage.store.away = stage.store.hidden = False
        stage.server.mute = 0
        stage.store.damages = 0
        for operator in stage.operators[1:]:
            operator.kill()
        for operator in stage.operators:
            operator.crash_in, operator.watch_held, operator.lag_s, operator.line_s = None, False, 0.01, 0.02
            operator.catch_up()
        await asyncio.sleep(70.0)  # until what was begun before has happened, such as a pod that comes back
        if not stage.operators:
            stage.start_operator()
        for world in stage.worlds.values():
            world.lines_lost = False
            if world.agent is None:
                world.boot()
            assert world.agent is not None
            world.agent.faults.clear()
        await self._all_end()
        self._look_at_the_end()

    async def _all_end(self) -> None:
        start, idle_since = self.loop.time(), self.loop.time()
        while not all(self._is_over(name) for name in self.stage.server.jobs):
            await asyncio.sleep(0.5)
            self.nothing_happened_that_must_never_happen()
            if not self._is_wasting():
                idle_since = self.loop.time()
            elif self.loop.time() - idle_since > IDLE_S and self.loop.time() - start > 10:
                operator_agent_fake.raise_violation("a world is idle though a job that fits it waits")
            if self.loop.time() - start > CALM_S:
                states = {name: self.stage.state(name) for name in self.stage.server.jobs}
                operator_agent_fake.raise_violation(f"not every job ends: {states}")
        await asyncio.sleep(5.0)

    def _look_at_the_end(self) -> None:
        stage = self.stage
        for name, manifest in stage.server.jobs.items():
            job = read_job(manifest)
            if stage.state(name) is State.COMPLETE:
                assert stage.store.shows(job.uid), f"{name} is complete, but its picture is not there"
            if stage.state(name) is State.FAILED:
                assert job.status.interruptions > MAX_INTERRUPTIONS, f"{name} failed without a reason"
        assert stage.strays() == set(), "runs are on that are no job's"
        uids = {job["metadata"]["uid"] for job in stage.server.jobs.values()}
        running = {run.uid for world in stage.worlds.values() if world.agent for run in world.agent.active}
        assert running <= uids, "runs of deleted jobs are on"

    def _is_over(self, name: str) -> bool:
        job = read_job(self.stage.server.jobs[name])
        state = state_of(job.status)
        return state in {State.COMPLETE, State.FAILED} or (state is State.SUSPENDED and job.suspended)

    def _is_wasting(self) -> bool:
        """Whether a world is free and known to be, while a job waits that may go there."""
        operator = self.stage.operators[0]
        queue = operator.scheduler.waits()
        free = [
            world
            for world in self.stage.worlds.values()
            if world.agent is not None
            and not world.agent.active
            and world.takes_runs
            and operator.scheduler.job_on(world.name) is None
            and operator.scheduler.quarantine_of(world.name) is None
        ]
        return bool(queue and free)

    # ---- the judges ------------------------------------------------------------------------------------------------

    def _judge(self, who: object, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Look at a write of a status."""
        old, new = read_job(before), read_job(after)
        was, now = state_of(old.status), state_of(new.status)
        if now is State.COMPLETE and not self.stage.store.shows(new.uid):
            operator_agent_fake.raise_violation(f"{new.name} becomes complete without its picture")
        if now is not State.COMPLETE and was is State.COMPLETE:
            operator_agent_fake.raise_violation(f"{new.name} was complete, and is {now}")
        if new.attempt not in {old.attempt, old.attempt + 1}:
            operator_agent_fake.raise_violation(f"attempt {old.attempt} of {new.name} is followed by {new.attempt}")
        if now is State.RUNNING and was is not State.RUNNING:
            self._judge_start(who, new.world, new.run)
        if now in ACTIVE and was in WAITING and not self.overlapped:
            others = [
                job.name
                for job in map(read_job, self.stage.server.jobs.values())
                if job.uid != new.uid and job.world == new.world and state_of(job.status) in ACTIVE
            ]
            if others:
                operator_agent_fake.raise_violation(f"{new.world} has {new.name} and {others}")

    def _judge_start(self, who: object, world: str, run: str) -> None:
        """A job says that it runs: then the agent of which its operator has last heard must have begun it."""
        assert isinstance(who, OperatorFake)
        now = self.loop.time()
        known = [(time, incarnation) for time, name, incarnation in who.known if name == world]
        recent = [incarnation for time, incarnation in known if now - time < NEWS_S] + [known[-1][1] if known else ""]
        agents = [self.stage.agents.get(incarnation) for incarnation in recent]
        if len(known) == len(recent) - 1:
            return  # it has only just learned of the world
        before = [incarnation for time, incarnation in known if now - time >= NEWS_S][-1:]
        if len(recent) > 1:
            agents += [self.stage.agents.get(incarnation) for incarnation in before]
        if any(recent) and not any(agent is not None and run in agent.begun for agent in agents):
            operator_agent_fake.raise_violation(f"{run} is said to run, but the agent of {world} has not begun it")

    def _judge_forgetting(self, uid: str) -> None:
        if any(job["metadata"]["uid"] == uid for job in self.stage.server.jobs.values()):
            operator_agent_fake.raise_violation(f"what the store has of {uid} is removed, but the job is there")

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _hear_again(self, world: WorldFake, lines: Sequence[tuple[str, Event]]) -> None:
        for operator in self.stage.operators:
            for incarnation, event in lines:
                operator.hear(world.name, incarnation, event)

    def _submit(self, tiles: int, priority: int) -> None:
        self.numbers += 1
        self.stage.submit(f"job{self.numbers}", tiles=tiles, priority=priority, backoffLimit=100)

    def _resume(self, name: str) -> None:
        if name in self.stage.server.jobs:
            self.stage.set_execution(name, suspend=False)

    def _succeed(self) -> None:
        if not self.stage.operators:
            self.stage.start_operator()

    def _boot(self, world: WorldFake) -> None:
        if self.stage.worlds.get(world.name) is world and world.agent is None:
            world.boot()

    def _add_world(self) -> None:
        self.worlds += 1
        self.stage.add_world(f"w{self.worlds}")

    def _operator(self, pick: int) -> OperatorFake:
        return self._pick(self.stage.operators, pick)

    def _world(self, pick: int) -> WorldFake:
        return self._pick(list(self.stage.worlds.values()), pick)

    @staticmethod
    def _pick(choice: Sequence[T], pick: int) -> T:
        return choice[pick % len(choice)]

    def _do(self, change: Callable[[], object], then_s: float = 0.02) -> None:
        async def scene() -> None:
            change()
            await asyncio.sleep(then_s)

        self._play(scene)

    def _play(self, scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.loop.run_until_complete(scene())
        self.nothing_happened_that_must_never_happen()
        for operator in self.stage.operators:
            if operator.task.done() and not operator.task.cancelled():
                raise AssertionError("an operator has ended by itself") from operator.task.exception()

    def _surprised(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), operator_agent_fake.ViolationError):
            operator_agent_fake.violations.append(f"{context['message']}: {context.get('exception')!r}")

    def _close(self) -> None:
        for operator in tuple(self.stage.operators) if hasattr(self, "stage") else ():
            operator.kill()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0.01))
        self.loop.close()


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

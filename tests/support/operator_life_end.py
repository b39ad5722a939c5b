"""The end of a life of jobs: everything is healed, and then every job has to end, with nothing left over."""

import asyncio
from typing import Final

from support import operator_agent_fake
from support.operator_job_stage import Stage

from fractal_operator.core.failures import MAX_INTERRUPTIONS
from fractal_operator.core.jobs import read_job
from fractal_operator.core.lifecycle import State, state_of

CALM_S: Final = 2000.0
"""How long jobs may take to end once everything is healed."""

BACK_S: Final = 20.0
"""How long it may take until an operator talks to an agent that is back: the call that was on gives up after 5 s, the
agent is left alone for another 5 s at most, and then there are runs to be taken back, by calls that take a second."""

IDLE_S: Final = 3.0
"""How long a world may be idle though a job waits that it could have."""


async def calm_down(stage: Stage) -> None:
    """Heal everything, and let all jobs come to their end, under one leader."""
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
        world.agent.come_back()
    await asyncio.sleep(BACK_S)
    await _all_end(stage)
    _look_at_the_end(stage)


async def _all_end(stage: Stage) -> None:
    clock = asyncio.get_running_loop().time
    start, idle_since = clock(), clock()
    while not all(_is_over(stage, name) for name in stage.server.jobs):
        await asyncio.sleep(0.5)
        operator_agent_fake.raise_if_violated()
        if not _is_wasting(stage):
            idle_since = clock()
        elif clock() - idle_since > IDLE_S and clock() - start > 10:
            operator_agent_fake.raise_violation("a world is idle though a job that fits it waits")
        if clock() - start > CALM_S:
            states = {name: stage.state(name) for name in stage.server.jobs}
            operator_agent_fake.raise_violation(f"not every job ends: {states}")
    await asyncio.sleep(5.0)


def _look_at_the_end(stage: Stage) -> None:
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


def _is_over(stage: Stage, name: str) -> bool:
    job = read_job(stage.server.jobs[name])
    state = state_of(job.status)
    return state in {State.COMPLETE, State.FAILED} or (state is State.SUSPENDED and job.suspended)


def _is_wasting(stage: Stage) -> bool:
    """Whether a world is free and known to be, while a job waits that may go there."""
    operator = stage.operators[0]
    queue = operator.scheduler.waits()
    free = [
        world
        for world in stage.worlds.values()
        if world.agent is not None
        and not world.agent.active
        and world.takes_runs
        and operator.scheduler.job_on(world.name) is None
        and operator.scheduler.quarantine_of(world.name) is None
    ]
    return bool(queue and free)

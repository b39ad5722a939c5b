"""Jobs that wait: what they are told, how often, and that nothing else waits for that. Fakes as in test_placing."""

import asyncio

from support.operator_clockwork import play
from support.operator_job_stage import Stage

from fractal_operator.core import answers as w
from fractal_operator.core.lifecycle import State


def test_many_waiting_jobs_do_not_keep_a_world_from_its_next_one() -> None:
    async def scene() -> None:
        stage = Stage()
        stage.start_operator()
        for number in range(400):
            stage.submit(f"job-{number}")
        await asyncio.sleep(3.3)
        stage.add_world("w1")
        await stage.until(lambda: any(phase == "Assigned" for _, phase in stage.server.writes), within_s=1.0)
        assert len(stage.server.writes) < 250, "most were not told yet why they wait"
        stage.submit("last", suspend=True)
        await stage.ends("last", State.SUSPENDED, within_s=1.5)
        await stage.until(
            lambda: (
                all("conditions" in job["status"] for job in stage.server.jobs.values() if "status" in job)
                and all("status" in job for job in stage.server.jobs.values())
            ),
            within_s=60,
        )
        stage.close()

    play(scene)


def test_a_job_is_told_another_message_but_not_another_number() -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        world.takes_runs, world.why_not = False, "starts: 1 of 2 pods"
        stage.start_operator()
        stage.submit("a")
        await stage.ends("a", State.QUEUED)
        writes = len(stage.server.writes)
        world.why_not = "starts: 0 of 2 pods"
        world.notice()
        await asyncio.sleep(100)
        assert len(stage.server.writes) == writes
        world.why_not = "is paused"
        world.notice()
        await stage.until(lambda: "is paused" in stage.condition("a", "Assigned").message, within_s=31)
        assert len(stage.server.writes) == writes + 1
        stage.close()

    play(scene)


def test_a_world_whose_agent_refuses_the_operator_is_not_called_busy() -> None:
    async def scene() -> None:
        stage = Stage()
        world = stage.add_world("w1")
        assert world.agent is not None
        world.agent.do = lambda _: w.Away(message="its agent refuses the operator's token")  # type: ignore[method-assign]
        stage.start_operator()
        await asyncio.sleep(10)
        stage.submit("a")
        await stage.ends("a", State.QUEUED)
        told = stage.condition("a", "Assigned")
        assert told.reason == "WorldNotReady"
        assert told.message == "the world w1 can't be used: its agent refuses the operator's token"
        stage.close()

    play(scene)

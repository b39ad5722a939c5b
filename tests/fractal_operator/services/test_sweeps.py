"""What a sweep removes and tells of; API server and store are the fakes of the proof, and time is made up."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.operator_clockwork import MadeUpClock, play
from support.operator_job_server import ApiOf, JobServer
from support.operator_jobs import NOW, job_in, with_status
from support.operator_store_fake import StoreAway, StoreFake, record_of

from fractal_api.conditions import JobReason
from fractal_api.storage import ResultRecord
from fractal_operator.adapters.results import Inventory
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import status_body
from fractal_operator.core.lifecycle import State
from fractal_operator.services.jobs.census import Census
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.sweeps import Sweeps, explain_loss

SPEC = {"fractal": {"type": "Mandelbrot"}}


class Scene:
    """A store and an API server; `between` happens after the store was looked through."""

    def __init__(self) -> None:
        self.server = JobServer()
        self.store = StoreFake()
        self.lost: list[tuple[str, s.LoseResult]] = []
        self.between: Callable[[], object] = lambda: None
        clock = MadeUpClock(asyncio.get_running_loop())
        census = Census(ApiOf(self.server, self._pass, self), clock)
        self.sweeps = Sweeps(census, self, self, clock, every_s=3600)

    def submit(self, name: str, *, complete: bool = False) -> str:
        uid = str(self.server.create(name, SPEC)["metadata"]["uid"])
        if complete:
            self.server.jobs[name]["status"] = status_body(job_in(State.COMPLETE), job_in(State.COMPLETE).status)[
                "status"
            ]
        return uid

    def store_result(self, uid: str) -> None:
        keys = self.store.keys(uid)
        self.store.values |= {keys.result: record_of(uid, 1).to_json().encode(), keys.chunk(1, 0): b"chunk"}

    async def _pass(self, _: str) -> None:
        await asyncio.sleep(0.001)

    async def take_inventory(self) -> Inventory:
        found = self.store.inventory()
        self.between()
        return found

    async def record(self, uid: str) -> ResultRecord | None:
        return self.store.read(uid)

    async def forget(self, uid: str, attempts: int) -> None:
        raise AssertionError((uid, attempts))

    async def unlink(self, keys: list[str]) -> int:
        return self.store.unlink(keys)

    def lose(self, uid: str, loss: s.LoseResult) -> None:
        self.lost.append((uid, loss))


def perform(act: Callable[[Scene], Any]) -> None:
    async def scene() -> None:
        await act(Scene())

    play(scene)


def test_results_of_nobody_are_removed_and_all_others_stay() -> None:
    async def act(scene: Scene) -> None:
        kept = scene.submit("a", complete=True)
        for uid in (kept, "uid-gone"):
            scene.store_result(uid)
            scene.store.tiles[uid] = {1, 2}
        await scene.sweeps.sweep()
        assert scene.store.uids() == {kept}
        assert scene.lost == []

    perform(act)


def test_a_job_that_comes_while_the_store_is_looked_through_keeps_its_tiles() -> None:
    async def act(scene: Scene) -> None:
        def come() -> None:
            scene.store.tiles[scene.submit("a")] = {1}

        scene.between = come
        await scene.sweeps.sweep()
        assert len(scene.store.uids()) == 1

    perform(act)


def test_a_result_that_comes_while_the_store_is_looked_through_is_not_lost() -> None:
    async def act(scene: Scene) -> None:
        uid = scene.submit("a", complete=True)
        scene.between = lambda: scene.store_result(uid)
        await scene.sweeps.sweep()
        assert scene.lost == []

    perform(act)


def test_a_complete_job_without_its_result_is_told_of() -> None:
    async def act(scene: Scene) -> None:
        uid = scene.submit("a", complete=True)
        scene.submit("b")
        await scene.sweeps.sweep()
        assert [lost for lost, _ in scene.lost] == [uid]

    perform(act)


def test_a_record_without_its_chunks_is_no_picture() -> None:
    async def act(scene: Scene) -> None:
        uid = scene.submit("a", complete=True)
        scene.store_result(uid)
        del scene.store.values[scene.store.keys(uid).chunk(1, 0)]
        await scene.sweeps.sweep()
        assert [lost for lost, _ in scene.lost] == [uid]

    perform(act)


def test_a_store_that_is_away_ends_the_sweep_and_the_next_one_makes_up_for_it() -> None:
    async def act(scene: Scene) -> None:
        scene.store.values[scene.store.keys("uid-gone").result] = b"x"
        scene.store.away = True
        with pytest.raises(StoreAway):
            await scene.sweeps.sweep()
        running = asyncio.create_task(scene.sweeps.run())
        await asyncio.sleep(100)
        scene.store.away = False
        await asyncio.sleep(3600)
        assert scene.store.uids() == set()
        running.cancel()

    perform(act)


class Now(Clock):
    def now(self) -> Any:  # noqa: ANN401 - a datetime
        return NOW


@pytest.mark.parametrize(
    ("age", "ttl_s", "reason"),
    [
        (timedelta(days=6), None, JobReason.RESULT_LOST),
        (timedelta(days=7), None, JobReason.RESULT_EXPIRED),
        (timedelta(days=100), 200 * 86_400, JobReason.RESULT_EXPIRED),
    ],
)
def test_a_picture_had_its_time_or_was_lost_before(age: timedelta, ttl_s: int | None, reason: JobReason) -> None:
    execution = {} if ttl_s is None else {"ttlSecondsAfterFinished": ttl_s}
    job = with_status(job_in(State.COMPLETE, **execution), completion_time=NOW - age)
    loss = explain_loss(job, Now())
    assert loss.reason is reason
    assert "a new FractalJob renders it again" in loss.message

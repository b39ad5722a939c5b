"""A world that drains, is deleted, or is gone."""

import asyncio

from support.operator_world_stage import NAMESPACE, WORLD, staged, unasked
from support.operator_worlds import UID, world_object

from fractal_operator.adapters.api_errors import Forbidden


async def test_a_drain_takes_the_run_back_after_its_deadline() -> None:
    async with staged() as stage:
        stage.board.assign("art/sea")
        stage.ask(drain=True, drainTimeoutSeconds=60)
        await stage.until(lambda: stage.ready() == ("False", "DrainRequested"), "it drains")
        assert stage.board.interrupted == []

        stage.ahead_s = 61.0
        stage.cluster.tell("Pod", "MODIFIED", stage.cluster.objects[f"{NAMESPACE}/pods/mpi-node-0"])
        await stage.until(lambda: stage.ready() == ("False", "Drained"), "it is drained")
        assert len(stage.board.interrupted) == 1
        assert stage.cluster.pods_of("w1") == ["mpi-node-0", "mpi-node-1"]


async def test_a_world_is_let_go_when_its_run_is_over() -> None:
    async with staged() as stage:
        stage.board.assign("art/sea")
        stage.ahead_s = -asyncio.get_running_loop().time() + 1  # a second after the deletion was asked for
        stage.leave()
        assert not await stage.keepers.released("w1", UID, within_s=0.3)

        stage.board.assign(None)
        assert await stage.keepers.released("w1", UID, within_s=30)
        assert stage.board.dropped == ["w1"]


async def test_a_world_is_let_go_though_nothing_of_it_can_be_seen_any_more() -> None:
    async with staged() as stage:
        stage.cluster.blind = Forbidden("somebody took the operator's rights there")
        stage.ahead_s = 61.0
        stage.leave()

        assert await stage.keepers.released("w1", UID, within_s=30)


async def test_nothing_is_drained_when_all_of_it_is_uninstalled() -> None:
    async with staged() as stage:
        stage.board.assign("art/sea")
        stage.ahead_s = -asyncio.get_running_loop().time() + 1
        stage.leave()
        stage.farewell.set()

        assert await stage.keepers.released("w1", UID, within_s=30)


async def test_a_world_nobody_keeps_may_go() -> None:
    async with unasked() as stage:
        assert await stage.keepers.released("unknown", UID, within_s=30)


async def test_a_world_that_is_gone_is_dropped_and_a_new_one_of_its_name_is_another() -> None:
    async with staged() as stage:
        stage.cluster.remove(WORLD)
        assert stage.board.dropped == ["w1"]

        for path in [path for path in stage.cluster.objects if "/w1" in path]:
            stage.cluster.objects.pop(path, None)
        stage.cluster.put(WORLD, world_object(uid="another"))
        await stage.until(lambda: stage.board.view.uid == "another" and stage.board.view.takes_runs, "it is made")

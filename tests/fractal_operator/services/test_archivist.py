"""What is forgotten stays forgotten, though an agent that has let go of a run may still write how it ended."""

import asyncio

from support.operator_clockwork import MadeUpClock, play

from fractal_api.errors import TemporaryError
from fractal_api.storage import ResultRecord
from fractal_operator.services.jobs.archivist import Archivist


class AwayError(TemporaryError):
    """The store does not answer."""


class Shelf:
    """Stands for the result store: keys of one job, and how often it does not answer."""

    def __init__(self, *, away: int = 0) -> None:
        self.keys = {"tiles", "run"}
        self.away = away

    async def record(self, uid: str) -> ResultRecord | None:
        raise NotImplementedError(uid)

    async def forget(self, uid: str, attempts: int) -> None:
        del uid, attempts
        if self.away:
            self.away -= 1
            raise AwayError("the store does not answer")
        self.keys.clear()


def archivist(shelf: Shelf) -> Archivist:
    clock = MadeUpClock(asyncio.get_running_loop())
    return Archivist(shelf, clock, told=lambda *_: None, troubled=lambda *_: None)


def test_what_an_agent_writes_after_the_end_is_forgotten_too() -> None:
    async def scene() -> None:
        shelf = Shelf()
        archivist(shelf).forget("uid", 1)
        await asyncio.sleep(0.1)
        assert not shelf.keys
        shelf.keys.add("run")
        await asyncio.sleep(3)
        assert not shelf.keys

    play(scene)


def test_a_store_that_is_away_is_told_again() -> None:
    async def scene() -> None:
        shelf = Shelf(away=3)
        archivist(shelf).forget("uid", 1)
        await asyncio.sleep(10)
        assert not shelf.keys

    play(scene)

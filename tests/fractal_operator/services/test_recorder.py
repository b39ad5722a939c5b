"""Events that can't be written: tried again for long, told once, and no hindrance to others."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.operator_clockwork import MadeUpClock, play
from support.operator_jobs import manifest

from fractal_operator.adapters.api_errors import AlreadyExists, ApiAway, Forbidden
from fractal_operator.core.jobs import read_job
from fractal_operator.core.milestones import RECENT, tell_assigned
from fractal_operator.services.recorder import MAX_WAITING, PATIENCE_S, Recorder

if TYPE_CHECKING:
    from fractal_api.errors import FractalError

Object = dict[str, Any]


class Office:
    """Stands for the API server: what it has, and what it says to which attempts."""

    def __init__(self) -> None:
        self.events: dict[str, Object] = {}
        self.refuses: dict[str, FractalError] = {}
        self.calls = 0

    async def create(self, path: str, body: Object) -> Object:
        self.calls += 1
        for part, error in self.refuses.items():
            if part in path:
                raise error
        if body["metadata"]["name"] in self.events:
            raise AlreadyExists("it is there")
        self.events[body["metadata"]["name"]] = body
        return body


class Desk:
    """A recorder at work."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.office = Office()
        self.recorder = Recorder(self.office, MadeUpClock(loop), instance="replica-1")
        self.task = loop.create_task(self.recorder.run())

    def tell(self, name: str, namespace: str = "art") -> None:
        """A job was assigned."""
        job = manifest(name)
        job["metadata"]["namespace"] = namespace
        self.recorder.record(read_job(job), tell_assigned("w1", 1))

    @property
    def told(self) -> list[str]:
        """The jobs of the Events that are there, in their order."""
        return [event["involvedObject"]["name"] for event in self.office.events.values()]


@pytest.mark.parametrize("away_s", [20.0, 300.0, PATIENCE_S - 15])
def test_what_happened_while_events_could_not_be_written_is_told_later_as_of_then(away_s: float) -> None:
    async def scene() -> None:
        desk = Desk()
        desk.office.refuses["/art/"] = ApiAway("no answer")
        for name in ("a", "b", "c"):
            desk.tell(name)
        await asyncio.sleep(away_s)
        assert desk.told == []
        desk.office.refuses.clear()
        await asyncio.sleep(15)
        assert sorted(desk.told) == ["a", "b", "c"]
        assert {event["firstTimestamp"] for event in desk.office.events.values()} == {"2030-01-31T12:00:00Z"}

    play(scene)


def test_it_is_not_tried_for_ever_nor_in_vain_haste_and_the_log_has_its_words(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        desk = Desk()
        desk.office.refuses["/art/"] = ApiAway("no answer")
        desk.tell("a")
        await asyncio.sleep(2 * PATIENCE_S)
        assert desk.office.calls < 100
        before = desk.office.calls
        await asyncio.sleep(PATIENCE_S)
        assert desk.office.calls == before
        assert "Assigned: attempt 1 goes to world w1" in caplog.text

    play(scene)


def test_a_namespace_whose_events_can_not_be_written_keeps_no_other_waiting() -> None:
    async def scene() -> None:
        desk = Desk()
        desk.office.refuses["/broken/"] = ApiAway("a webhook doesn't answer")
        for name in ("x", "y", "z"):
            desk.tell(name, "broken")
        desk.tell("a")
        await asyncio.sleep(15)
        assert desk.told == ["a"]

    play(scene)


def test_what_the_api_server_will_never_take_is_said_once_and_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        desk = Desk()
        desk.office.refuses["/art/"] = Forbidden("the namespace is being terminated")
        desk.tell("a")
        desk.tell("b", "other")
        await asyncio.sleep(60)
        assert desk.office.calls == 2
        assert desk.told == ["b"]
        assert "being terminated" in caplog.text

    play(scene)


def test_what_is_told_twice_is_there_once() -> None:
    async def scene() -> None:
        desk = Desk()
        for _ in range(2):
            desk.tell("a")
        await asyncio.sleep(1)
        assert desk.told == ["a"]
        assert desk.office.calls == 2

    play(scene)


def test_the_newest_are_kept_when_too_many_wait() -> None:
    async def scene() -> None:
        desk = Desk()
        desk.office.refuses["/art/"] = ApiAway("no answer")
        for number in range(MAX_WAITING + 1):
            desk.tell(f"job-{number}")
        desk.office.refuses.clear()
        await asyncio.sleep(30)
        assert len(desk.told) == MAX_WAITING
        assert "job-0" not in desk.told

    play(scene)


def test_a_new_leader_tells_what_the_one_before_could_not_within_the_same_time() -> None:
    assert timedelta(seconds=PATIENCE_S) == RECENT

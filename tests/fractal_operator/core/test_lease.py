"""The elector's decisions, on a clock and an API server of the test's own."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fractal_operator.core import lease as leases
from fractal_operator.core.lease import Candidacy, Lost, Read, Timing, Wait, Write

TIMING = Timing()
STAMP = "2026-01-01T00:00:00.000000Z"


def held_by(holder: str, version: str = "1") -> dict[str, object]:
    return {
        "metadata": {"name": "fractal-operator", "resourceVersion": version, "annotations": {"kept": "yes"}},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 10, "leaseTransitions": 4, "acquireTime": "then"},
    }


def decide(mine: Candidacy, now: float) -> leases.Action:
    return leases.decide(mine, now, TIMING, STAMP)


def test_a_missing_lease_is_created_at_once() -> None:
    mine = leases.saw(Candidacy(identity="a"), None, 100.0, TIMING)
    action = decide(mine, 100.0)
    assert isinstance(action, Write)
    assert "resourceVersion" not in action.lease["metadata"]
    assert action.lease["spec"]["holderIdentity"] == "a"


def test_a_lease_of_somebody_is_taken_only_when_it_did_not_change_for_its_duration() -> None:
    mine = leases.saw(Candidacy(identity="a"), held_by("b"), 100.0, TIMING)
    assert decide(mine, 100.0) == Wait(until=102.0)
    assert decide(mine, 102.0) == Read()
    mine = leases.saw(mine, held_by("b"), 109.9, TIMING)
    assert decide(mine, 109.9) == Wait(until=110.0)
    mine = leases.saw(mine, held_by("b"), 110.0, TIMING)
    action = decide(mine, 110.0)
    assert isinstance(action, Write)
    assert action.lease["metadata"] == held_by("b")["metadata"], "in the version that was seen, with its annotations"
    assert action.lease["spec"]["leaseTransitions"] == 5


def test_a_change_starts_the_wait_anew() -> None:
    mine = leases.saw(Candidacy(identity="a"), held_by("b"), 100.0, TIMING)
    mine = leases.saw(mine, held_by("b", "2"), 109.0, TIMING)
    mine = leases.saw(mine, held_by("b", "2"), 111.0, TIMING)
    assert decide(mine, 111.0) == Wait(until=113.0)


def test_a_released_lease_is_taken_at_once() -> None:
    mine = leases.saw(Candidacy(identity="a"), leases.released(held_by("b")), 100.0, TIMING)
    assert isinstance(decide(mine, 100.0), Write)


def test_a_lease_that_vanished_counts_as_held_as_long_as_it_would_have_been() -> None:
    mine = leases.saw(Candidacy(identity="a"), held_by("b"), 100.0, TIMING)
    mine = leases.saw(mine, None, 102.0, TIMING)
    assert decide(mine, 102.0) == Wait(until=104.0)
    mine = leases.saw(mine, None, 110.0, TIMING)
    action = decide(mine, 110.0)
    assert isinstance(action, Write)
    assert "resourceVersion" not in action.lease["metadata"]


def test_a_leader_renews_every_two_seconds_counted_from_sending() -> None:
    mine = leases.wrote(Candidacy(identity="a"), held_by("a"), 100.0, TIMING)
    assert decide(mine, 101.5) == Wait(until=102.0)
    action = decide(mine, 102.0)
    assert isinstance(action, Write)
    assert action.lease["spec"]["acquireTime"] == "then"
    assert action.lease["spec"]["leaseTransitions"] == 4


def test_a_leader_that_can_not_renew_stops_after_six_seconds() -> None:
    mine = leases.wrote(Candidacy(identity="a"), held_by("a"), 100.0, TIMING)
    mine = leases.failed(mine, 102.0, 104.0, TIMING, stale=False)
    assert isinstance(decide(mine, 104.0), Write), "a try that timed out is followed by another at once"
    mine = leases.failed(mine, 104.0, 105.99, TIMING, stale=False)
    assert isinstance(decide(mine, 106.0), Lost)


def test_a_leader_that_finds_another_holder_stops_at_once() -> None:
    mine = leases.wrote(Candidacy(identity="a"), held_by("a"), 100.0, TIMING)
    mine = leases.failed(mine, 102.0, 102.1, TIMING, stale=True)
    assert decide(mine, 102.1) == Read()
    mine = leases.saw(mine, held_by("b", "7"), 102.2, TIMING)
    assert decide(mine, 102.2) == Lost(why="b has taken it")


def test_a_leader_whose_renewal_landed_without_an_answer_reads_and_goes_on() -> None:
    mine = leases.wrote(Candidacy(identity="a"), held_by("a"), 100.0, TIMING)
    mine = leases.failed(mine, 102.0, 104.0, TIMING, stale=False)
    mine = leases.failed(mine, 104.0, 104.1, TIMING, stale=True)
    mine = leases.saw(mine, held_by("a", "9"), 104.2, TIMING)
    action = decide(mine, 104.2)
    assert isinstance(action, Write)
    assert action.lease["metadata"]["resourceVersion"] == "9"


Weather = tuple[float, float, bool] | None


class Server:
    """An API server with one Lease."""

    def __init__(self) -> None:
        self.lease: dict[str, object] | None = None
        self.versions = itertools.count(1)

    def write(self, lease: dict[str, object]) -> dict[str, object] | None:
        """The Lease as it was stored; None for a conflict."""
        sent = lease["metadata"].get("resourceVersion")
        stored = self.lease and self.lease["metadata"]["resourceVersion"]
        if sent != stored:
            return None
        self.lease = {**lease, "metadata": {**lease["metadata"], "resourceVersion": str(next(self.versions))}}
        return self.lease


class Replica:
    """Runs one candidacy; how long a request takes each way, and whether its answer comes, is drawn."""

    def __init__(self, name: str, server: Server, offset: float) -> None:
        self.server, self.offset = server, offset
        self.mine = Candidacy(identity=name)
        self.request: tuple[float, float, float, leases.Action] | None = None
        self.ended = False

    def leads_at(self, now: float) -> bool:
        return not self.ended and self.mine.led_at is not None and now + self.offset < self.mine.led_at + TIMING.renew_s

    def step(self, now: float, there: float, back: float, answered: bool) -> None:
        """A moment of the replica's life at the true time `now`; its own clock is off by a constant."""
        local = now + self.offset
        if self.ended:
            return
        if self.request is not None:
            self._go_on(now, local)
            return
        action = leases.decide(self.mine, local, TIMING, STAMP)
        if isinstance(action, Lost):
            self.ended = True
        elif isinstance(action, Read | Write):
            self.request = (local, now + there, now + there + back if answered else float("inf"), action)

    def _go_on(self, now: float, local: float) -> None:
        assert self.request is not None
        sent, arrives, returns, action = self.request
        if arrives <= now and not isinstance(action, Wait):
            self.answer = self.server.lease if isinstance(action, Read) else self.server.write(action.lease)
            self.written = isinstance(action, Write)
            self.request = (sent, float("inf"), returns, Wait(until=0))
        elif isinstance(action, Wait) and returns <= now and local < sent + TIMING.request_s:
            self.request = None
            if not self.written:
                self.mine = leases.saw(self.mine, self.answer, local, TIMING)
            elif self.answer is None:
                self.mine = leases.failed(self.mine, sent, local, TIMING, stale=True)
            else:
                self.mine = leases.wrote(self.mine, self.answer, sent, TIMING)
        elif local >= sent + TIMING.request_s and isinstance(action, Wait):
            self.request = None
            self.mine = leases.failed(self.mine, sent, local, TIMING, stale=False)


GOOD, SLOW, DEAF, CUT = (0.0, 0.3, True), (1.5, 0.3, True), (0.05, 0.0, False), (9.0, 0.0, False)
FROZEN = None
weather = st.sampled_from([GOOD, GOOD, SLOW, DEAF, CUT, FROZEN])
spells = st.lists(st.tuples(st.integers(min_value=1, max_value=56), weather, weather), min_size=3, max_size=12)


@settings(max_examples=200, deadline=None)
@given(spells, st.floats(min_value=-1000, max_value=1000))
def test_two_electors_never_both_lead(spells: list[tuple[int, Weather, Weather]], offset: float) -> None:
    """A network that is good, slow, swallows answers or requests, or a process that is frozen: 0.25 to 14 s of each."""
    server = Server()
    first, second = Replica("a", server, 0.0), Replica("b", server, offset)
    moments = [(mine, yours) for count, mine, yours in spells for _ in range(count)]
    for number, (mine, yours) in enumerate(moments):
        now = 10_000.0 + 0.25 * number
        if mine is not FROZEN:
            first.step(now, *mine)
        if yours is not FROZEN:
            second.step(now, *yours)
        assert not (first.leads_at(now) and second.leads_at(now))
        if first.ended:
            first = Replica(f"a{number}", server, 0.0)
        if second.ended:
            second = Replica(f"b{number}", server, offset)


@pytest.mark.parametrize("killed_after", [0.0, 0.9, 1.9])
def test_a_standby_leads_within_15_seconds_of_a_kill(killed_after: float) -> None:
    server = Server()
    first, second = Replica("a", server, 0.0), Replica("b", server, 500.0)
    now = 0.0
    while now < 30.0 + killed_after:
        first.step(now, 0.01, 0.01, True)
        second.step(now + 0.001, 0.01, 0.01, True)
        now += 0.02
    assert first.leads_at(now)
    killed = now
    while not second.leads_at(now):
        second.step(now, 0.01, 0.01, True)
        now += 0.02
    assert now - killed <= 15.0
    assert replace(second.mine, identity="x").holder == "b"

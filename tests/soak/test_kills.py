"""SIGKILL of ranks, mpirun and agent at random moments: the picture is the same, and nothing stored is rendered again.

`FRACTAL_SEED=… ` repeats what failed. `make soak` does the same twenty times for each size of a world.
"""

import os
import random
import time

import pytest
from support.agent_process import AgentProcess, Place, make_place, remove_place, until
from support.joined_ledger import JoinedLedger, acknowledged_so_far
from support.killing import RUN, Fault, Outcome, Victim, check_picture, render_through
from support.truth import Truth

from fractal_api.events import Completed, Interrupted

SIZES = (1, 2, 3, 5)
POLITE_S = 10.0
"""A pod has thirty seconds to end, of which the agent is to need few."""


def share(chance: random.Random) -> float:
    return chance.uniform(0.05, 0.95)


@pytest.mark.parametrize("ranks", SIZES)
def test_a_killed_rank_costs_only_what_was_in_flight(
    place: Place, truth: Truth, chance: random.Random, ranks: int
) -> None:
    render_through(place, truth, ranks, [Fault(victim=chance.randrange(ranks), share=share(chance))])


@pytest.mark.parametrize("ranks", SIZES)
def test_a_killed_mpirun_costs_only_what_was_in_flight(
    place: Place, truth: Truth, chance: random.Random, ranks: int
) -> None:
    render_through(place, truth, ranks, [Fault(victim=Victim.MPIRUN, share=share(chance))])


@pytest.mark.parametrize("ranks", SIZES)
def test_a_killed_agent_costs_only_what_was_in_flight(
    place: Place, truth: Truth, chance: random.Random, ranks: int
) -> None:
    render_through(place, truth, ranks, [Fault(victim=Victim.AGENT, share=share(chance))])


def test_an_agent_that_is_ended_politely_stores_what_was_rendered(
    place: Place, truth: Truth, chance: random.Random
) -> None:
    wanted = share(chance) * truth.tiles
    with AgentProcess(place, ranks=2) as agent:
        agent.put(RUN, truth.spec)
        until(lambda: acknowledged_so_far(place.ledger) >= wanted, f"{wanted:.0f} tiles")
        start = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - start < POLITE_S
        said = agent.events()[-1]
    assert isinstance(said, Interrupted | Completed), said
    until(lambda: not place.leftovers(), "nothing is left over")
    with AgentProcess(place, ranks=3) as successor:
        successor.put(RUN, truth.spec)
        check_picture(place, truth, successor.wait_for_end(RUN))
        successor.stop()
    assert JoinedLedger(place.ledger).rendered_after_acknowledged() == []


@pytest.mark.soak
@pytest.mark.parametrize("ranks", SIZES)
def test_many_faults_at_many_moments(truth: Truth, chance: random.Random, ranks: int) -> None:
    """FRACTAL_SOAK stories (20), each with one to three faults."""
    count = int(os.environ.get("FRACTAL_SOAK", "20"))
    outcomes: list[Outcome] = []
    for number in range(count):
        faults = _some_faults(chance, ranks)
        print(f"{ranks} ranks, {number + 1} of {count}: {', '.join(map(str, faults))}", flush=True)
        place = make_place()
        try:
            outcomes.append(render_through(place, truth, ranks, faults))
        finally:
            remove_place(place)
    anew, flying = (sum(getattr(one, name) for one in outcomes) for name in ("rendered_anew", "in_flight"))
    print(f"{ranks} ranks: {count} stories, {anew} tiles rendered anew of {flying} in flight", flush=True)


def _some_faults(chance: random.Random, ranks: int) -> list[Fault]:
    """Each rank, mpirun and the agent are equally likely."""
    shares = sorted(share(chance) for _ in range(chance.randint(1, 3)))
    return [Fault(victim=chance.choice([*range(ranks), *Victim]), share=each) for each in shares]

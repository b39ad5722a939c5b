"""SIGKILL of ranks, mpirun and agent at random moments: the picture is the same, and nothing stored is rendered again.

`FRACTAL_SEED=… ` repeats what failed. `make soak` does the same twenty times for each size of a world.
"""

import os
import random

import pytest
from support.agent_process import Place, make_place, remove_place
from support.killing import Fault, Outcome, Victim, render_through
from support.truth import Truth

SIZES = (1, 2, 3, 5)


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

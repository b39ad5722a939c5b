"""SIGSTOP of a rank or of mpirun: a world that hangs is ended and started again within 30 seconds."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from support.agent_process import AgentProcess, Place, make_place, remove_place, until
from support.joined_ledger import JoinedLedger, acknowledged_so_far
from support.killing import RUN, check_picture
from support.truth import Truth

from fractal_api.events import Lost

RANKS = 2
LIMIT_S = 30
SLACK = 3
"""Deadlines are this many times what is promised: a busy machine may need longer."""

Victim = Callable[[AgentProcess], int]


@contextmanager
def temporary_place() -> Iterator[Place]:
    place = make_place()
    try:
        yield place
    finally:
        remove_place(place)


def stop_and_wait(truth: Truth, victim: Victim) -> float:
    """Seconds from the stop of a process until its world was given up; the picture is checked."""
    with temporary_place() as place:
        with AgentProcess(place, ranks=RANKS) as agent:
            agent.put(RUN, truth.spec)
            until(lambda: acknowledged_so_far(place.ledger) >= truth.tiles // 10, "a tenth of the tiles")
            os.kill(victim(agent), signal.SIGSTOP)
            start = time.monotonic()
            until(
                lambda: any(isinstance(event, Lost) for event in agent.events()),
                "the world is given up",
                SLACK * LIMIT_S,
            )
            acted_s = time.monotonic() - start
            lost = next(event for event in agent.events() if isinstance(event, Lost))
            assert lost.cause == "WorldHung", lost
            assert agent.wait_for_end(RUN)["phase"] == "Complete"
            check_picture(place, truth, agent.view(RUN))
            assert JoinedLedger(place.ledger).rendered_after_acknowledged() == []
            assert agent.stop() == 0
        until(lambda: not place.leftovers(), "nothing is left over")
        return acted_s


def test_a_world_in_which_something_stands_still_is_replaced_in_time(truth: Truth) -> None:
    victims: dict[str, Victim] = {
        "rank 0": lambda agent: agent.ranks[0],
        "rank 1": lambda agent: agent.ranks[1],
        "mpirun": lambda agent: agent.mpirun,
    }
    # Side by side: nearly all of it is waiting.
    with ThreadPoolExecutor(len(victims)) as pool:
        stories = {name: pool.submit(stop_and_wait, truth, victim) for name, victim in victims.items()}
    for name, story in stories.items():
        acted_s = story.result()
        print(f"SIGSTOP of {name}: acted on after {acted_s:.1f} s")

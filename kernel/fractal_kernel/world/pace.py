"""How long a rank sleeps between two looks at MPI, whose own waiting would spin. Pure.

A look costs 40 to 80 µs of a core, most of it for waking up. What arrives on a file descriptor (the agent, the kernel
thread) ends a sleep at once; only messages from other ranks have to be looked for.
"""

from enum import Enum, auto
from typing import Final

SHORTEST_S: Final = 0.0002
GROWTH: Final = 1.6

LOOKS_A_BATCH: Final = 3
"""While every rank has something to do: often enough that the next batch is there before the last one ends."""

BUSY_S: Final = 0.015
"""The longest while every rank has something to do."""

EXPECTING_S: Final = 0.002
"""The longest while somebody waits for the next message."""

IDLE_S: Final = 0.020
"""The longest between runs: a run starts at most so much later."""

ALONE_S: Final = 1.0
"""A world of one rank has nothing to look for."""


class State(Enum):
    """What a rank's main thread is waiting for."""

    ALONE = auto()
    BUSY = auto()
    EXPECTING = auto()
    IDLE = auto()


class Pace:
    """Sleeps that begin short and get longer while nothing happens."""

    def __init__(self) -> None:
        self._sleep_s = SHORTEST_S

    def sleep_s(self, state: State, *, moved: bool, batch_s: float) -> float:
        """The next sleep; `moved` says that the last look found something, `batch_s` what the last batch took."""
        if moved:
            self._sleep_s = SHORTEST_S
        match state:
            case State.ALONE:
                return ALONE_S
            case State.BUSY:
                return min(max(batch_s / LOOKS_A_BATCH, EXPECTING_S), BUSY_S)
            case State.EXPECTING | State.IDLE:
                longest_s = EXPECTING_S if state is State.EXPECTING else IDLE_S
                self._sleep_s = min(self._sleep_s * GROWTH, longest_s)
                return self._sleep_s

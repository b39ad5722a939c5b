"""How long a rank sleeps between two looks at MPI, whose own waiting would spin. Pure.

A look costs 40 to 200 µs of a core, most of it for waking up. What the agent, the kernel thread or a rank on the same
machine has to say ends a sleep at once; only messages from other machines have to be looked for.
"""

from enum import Enum, auto
from typing import Final

SHORTEST_S: Final = 0.0002
GROWTH: Final = 1.6

EXPECTING_S: Final = 0.002
"""The longest while a message is on its way, or somebody waits for one."""

LOOKS_A_BATCH: Final = 3
"""While every rank has something to do: often enough that the next batch is there before the last one ends."""

BUSY_S: Final = 0.015
"""The longest while every rank has something to do."""

IDLE_S: Final = 0.020
"""The longest between runs: a run starts at most so much later."""

CALLED_S: Final = 0.25
"""The longest where whoever sends a message wakes its receiver."""


class State(Enum):
    """What a rank's main thread is waiting for."""

    MOVING = auto()
    """A message too large to be sent at once, which moves a little at each look of either side."""
    EXPECTING = auto()
    """A message that somebody has nothing to do without."""
    BUSY = auto()
    """A message for which there is time: every rank has a task."""
    IDLE = auto()


class Pace:
    """Sleeps that begin short and get longer while nothing happens; `called` says that messages wake the rank."""

    def __init__(self, *, called: bool) -> None:
        self._called = called
        self._sleep_s = SHORTEST_S

    def sleep_s(self, state: State, *, moved: bool, batch_s: float) -> float:
        """The next sleep; `moved` says that the last look found something, `batch_s` what the last batch took."""
        if moved:
            self._sleep_s = SHORTEST_S
        if self._called and state is not State.MOVING:
            return CALLED_S
        if state is State.BUSY:
            return min(max(batch_s / LOOKS_A_BATCH, EXPECTING_S), BUSY_S)
        self._sleep_s = min(self._sleep_s * GROWTH, IDLE_S if state is State.IDLE else EXPECTING_S)
        return self._sleep_s

"""How long a rank sleeps between two looks at MPI, whose own waiting would spin. Pure."""

from typing import Final

SHORTEST_S: Final = 0.0002
GROWTH: Final = 1.6

IDLE_S: Final = 0.020
"""The longest sleep of a rank that has nothing to do: a run starts at most so much later on it."""

BUSY_S: Final = 0.004
"""The longest sleep while a task is under way: the next one waits already, so a look can be late by this."""


class Pace:
    """Sleeps that begin short and get longer while nothing happens."""

    def __init__(self) -> None:
        self._sleep_s = SHORTEST_S

    def sleep_s(self, *, moved: bool, busy: bool) -> float:
        """The next sleep: `moved` says that the last look found something, `busy` that a task is under way."""
        longest_s = BUSY_S if busy else IDLE_S
        self._sleep_s = SHORTEST_S if moved else min(self._sleep_s * GROWTH, longest_s)
        return self._sleep_s

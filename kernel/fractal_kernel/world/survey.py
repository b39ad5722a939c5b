"""A coarse pass that all ranks share: which round is on, and what the ranks found.

Pure. Every rank has the samples number `rank` of every `ranks`, and keeps them from round to round; only counts travel,
and at the end what the samples say of each tile.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fractal_kernel import coarse
from fractal_kernel.coarse import Decision, Rounds, Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fractal_kernel.definition import Definition
    from fractal_kernel.wire import Blob

NOTHING = Tally(running=0, late=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the ranks found together: the picture's max_iterations, and its `costs.tile_iterations`, shape (tiles,)."""

    max_iterations: int
    iterations: "NDArray[np.float64]"


class SharedSurvey:
    """The coarse pass of one picture by `ranks` ranks."""

    def __init__(self, definition: "Definition", ranks: int) -> None:
        self._rounds = Rounds(definition.max_iterations, coarse.point_count(definition.frame))
        self._ranks = ranks
        self._tally = NOTHING
        self._iterations = np.zeros(len(definition.frame.grid))
        self._answers = 0

    @property
    def step(self) -> int | Decision:
        """What every rank is to run its samples on to; or the decision, after which they say what they found."""
        return self._rounds.step

    def learn(self, tally: Tally) -> bool:
        """How one rank's samples ended the round; true when it was the last rank, and `step` is a new one."""
        self._tally += tally
        if not self._is_last():
            return False
        self._rounds.learn(self._tally)
        self._tally = NOTHING
        return True

    def collect(self, iterations: "Blob") -> Found | None:
        """One rank's `costs.tile_iterations`, float64; what all ranks found, when no other's are missing.

        ValueError before the decision.
        """
        if not isinstance(self.step, Decision):
            raise ValueError("the coarse pass is not over")  # noqa: TRY004 - it is too early, not of another type
        self._iterations += np.frombuffer(iterations)
        if not self._is_last():
            return None
        return Found(max_iterations=self.step.max_iterations, iterations=self._iterations)

    def _is_last(self) -> bool:
        """Counts an answer; whether all ranks have answered, and the next round's answers can come."""
        self._answers = (self._answers + 1) % self._ranks
        return self._answers == 0

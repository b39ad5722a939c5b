"""A coarse pass that all ranks share: which round is on, and what the ranks found.

Pure. Every rank has the samples number `rank` of every `ranks`, and keeps them from round to round; only counts travel,
and at the end what became of each sample.
"""

from typing import TYPE_CHECKING, cast

import numpy as np

from fractal_kernel import coarse
from fractal_kernel.coarse import Rounds, Survey, Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fractal_kernel.definition import Definition
    from fractal_kernel.wire import Blob

NOTHING = Tally(running=0, late=0)


class SharedSurvey:
    """The coarse pass of one picture by `ranks` ranks."""

    def __init__(self, definition: "Definition", ranks: int) -> None:
        self._frame = definition.frame
        self._rounds = Rounds(definition.max_iterations, coarse.point_count(definition.frame))
        self._ranks = ranks
        self._tally = NOTHING
        self._answers = 0
        self._outcomes: list[NDArray[np.int64] | None] = [None] * ranks

    @property
    def limit(self) -> int | None:
        """What every rank is to run its samples on to; None when it is to send what became of them."""
        return self._rounds.limit

    def learn(self, tally: Tally) -> bool:
        """How one rank's samples ended the round; true when it was the last rank, and `limit` is a new one."""
        self._tally += tally
        self._answers += 1
        if self._answers < self._ranks:
            return False
        self._rounds.learn(self._tally)
        self._tally, self._answers = NOTHING, 0
        return True

    def collect(self, rank: int, outcome: "Blob") -> Survey | None:
        """What became of one rank's samples; the survey, when no other rank's is missing."""
        self._outcomes[rank] = np.frombuffer(outcome, dtype=np.int64).reshape(2, -1)
        if any(part is None for part in self._outcomes):
            return None
        return coarse.conclude(self._frame, self._rounds, cast("list[NDArray[np.int64]]", self._outcomes))

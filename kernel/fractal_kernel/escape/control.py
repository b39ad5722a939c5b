"""What a running render call and its watchers share: a stop flag and a count of iterations.

The C loops run without the GIL and touch this memory at least each millisecond, even inside one pixel.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STOP: Final = 0
_ITERATIONS: Final = 1


class Stopped(Exception):  # noqa: N818 - it is a wish that was granted, not an error
    """The render call ended because its control was told to stop; its pixels are not to be used."""


class Control:
    """A stop flag and an iteration counter that a render call without the GIL can see.

    `memory` is an int64 array of two: the stop flag (0 or 1) and the iterations done so far.
    """

    __slots__ = ("memory",)

    def __init__(self) -> None:
        self.memory: NDArray[np.int64] = np.zeros(2, dtype=np.int64)

    def stop(self) -> None:
        """Ask every render call that uses this control to end within a millisecond."""
        self.memory[_STOP] = 1

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return bool(self.memory[_STOP])

    @property
    def iterations(self) -> int:
        """The iterations done under this control so far, by all its render calls."""
        return int(self.memory[_ITERATIONS])

"""How far a picture is, and when it will be done: by iterations, since a pixel may cost one or a billion.

The survey's estimate says how the work is spread over the picture; the kernel's counter says how much of it was done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from fractal_api.tiling import Rect
from fractal_kernel.escape.control import Control

TRUSTED_SHARE: Final = 0.02
"""Beyond this share of finished work, the work counted so far corrects the estimate of all of it."""

FORETOLD_SHARE: Final = 0.01
"""Before this share is done, the time left is anybody's guess."""

ALMOST: Final = 0.999
"""The share shown at most while anything is still to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A moment of a rendering: the share done (0…1), iterations and seconds so far, and the seconds left if known.

    `stage` is what is being done, in a few words.
    """

    stage: str
    share: float
    iterations: int
    seconds: float
    eta_s: float | None = None

    @classmethod
    def surveying(cls, iterations: int, seconds: float) -> "Progress":
        """The coarse pass is under way; how long it takes isn't known."""
        return cls(stage="surveying", share=0.0, iterations=iterations, seconds=seconds)

    @property
    def rate(self) -> float:
        """Iterations a second."""
        return self.iterations / self.seconds if self.seconds > 0 else 0.0


class Work:
    """The work of one picture, counted by its threads and read by its watcher.

    `cost(rect)` estimates a rectangle's iterations; `total` is the whole picture's.
    """

    def __init__(self, *, cost: Callable[[Rect], float], total: float, control: Control, started: float) -> None:
        self._cost = cost
        self._total = max(total, 1.0)
        self._control = control
        self._started = started
        self._before = control.iterations
        self._finished = 0.0
        self._under_way = 0.0
        self._lock = Lock()

    def begin(self, rect: Rect) -> None:
        """A thread starts to render a rectangle."""
        with self._lock:
            self._under_way += self._cost(rect)

    def finish(self, rect: Rect) -> None:
        """A thread has rendered a rectangle."""
        cost = self._cost(rect)
        with self._lock:
            self._under_way -= cost
            self._finished += cost

    def progress(self, now: float) -> Progress:
        """How far the picture is at the monotonic time `now`."""
        with self._lock:
            finished, under_way = self._finished, self._under_way
        iterations = self._control.iterations - self._before
        share = self._share(finished, under_way, iterations)
        seconds = now - self._started
        eta_s = seconds * (1 - share) / share if share > FORETOLD_SHARE else None
        return Progress(stage="rendering", share=share, iterations=iterations, seconds=seconds, eta_s=eta_s)

    def _share(self, finished: float, under_way: float, iterations: int) -> float:
        """Iterations done, over those that all rectangles will have taken if the rest is as far off as the finished."""
        if finished >= self._total:
            return 1.0
        counted = finished + under_way / 2
        correction = iterations / counted if counted > TRUSTED_SHARE * self._total else 1.0
        expected = self._total * correction
        return min(iterations / expected, ALMOST) if expected > 0 else counted / self._total

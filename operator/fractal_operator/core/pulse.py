"""Whether watches still say anything. Times are of the monotonic clock, and given by whoever calls."""

import itertools


class Pulse:
    """When each open stream was heard last. A healthy one is heard once a minute at least: there are bookmarks."""

    def __init__(self, now: float) -> None:
        self._numbers = itertools.count()
        self._heard: dict[int, float] = {}
        self._last = now

    def open(self, now: float) -> int:
        """The number of a stream that begins."""
        number = next(self._numbers)
        self._heard[number] = now
        return number

    def heard(self, number: int, now: float) -> None:
        """The stream said something."""
        self._heard[number] = self._last = now

    def close(self, number: int) -> None:
        """The stream ended."""
        self._heard.pop(number, None)

    def age_s(self, now: float) -> float:
        """How long the most silent open stream has been silent; without any, how long there was nothing at all."""
        return max(0.0, now - min(self._heard.values(), default=self._last))

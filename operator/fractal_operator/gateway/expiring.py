"""Answers that are remembered for a while: few enough of them, and none for too long."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Expiring(Generic[Key, Value]):
    """At most `capacity` values, each for `life_s` after it was put; the one that was put first makes room."""

    def __init__(self, *, life_s: float, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._life_s = life_s
        self._capacity = capacity
        self._clock = clock
        self._held: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def put(self, key: Key, value: Value) -> None:
        """Remember the value from now on."""
        self._held.pop(key, None)
        self._held[key] = (self._clock() + self._life_s, value)
        while len(self._held) > self._capacity:
            self._held.popitem(last=False)

    def get(self, key: Key) -> Value | None:
        """The value, unless its time is over."""
        until, value = self._held.get(key, (0.0, None))
        return value if self._clock() < until else None

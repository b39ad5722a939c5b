"""How often and how long a world is started before it gets a rest: 1, 2, 4 … 10 minutes between tries."""

from dataclasses import dataclass
from typing import Final

from fractal_operator.core.backoff import delay_s

REST_S: Final = 60.0
MAX_REST_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """Tries to start a world since it was last ready; times are seconds since 1970.

    `since` is when the try that is on began; `again_at` is when the rest after the last one ends.
    """

    count: int = 0
    since: float | None = None
    again_at: float = 0.0
    delay_s: float = 0.0
    reason: str = ""

    def resting(self, now: float) -> bool:
        """Whether the world has a rest between two tries."""
        return self.since is None and now < self.again_at

    def begin(self, now: float) -> "Tries":
        """The tries with one that is on."""
        return Tries(count=self.count, since=now if self.since is None else self.since)


NO_TRIES: Final = Tries()


def rest_s(count: int) -> float:
    """How long a world rests after so many tries in vain."""
    return delay_s(count, first_s=REST_S, most_s=MAX_REST_S)


def next_try(tries: Tries, now: float, reason: str) -> Tries:
    """The tries after one more in vain."""
    count = tries.count + 1
    return Tries(count=count, again_at=now + rest_s(count), delay_s=rest_s(count), reason=reason)

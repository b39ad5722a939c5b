"""What time it is: asked here only, so that tests can let hours pass in no time."""

import time
from datetime import UTC, datetime


class Clock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        """The time of day, to the millisecond: it ends up in statuses."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps."""
        return time.monotonic()

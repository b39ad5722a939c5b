"""When a world gets no job for a while: three failures of its own in ten minutes."""

from datetime import datetime, timedelta
from typing import Final

from fractal_operator.core.worlds import Quarantine

FAILURES: Final = 3
WINDOW_S: Final = 600.0
QUARANTINE_S: Final = 600.0


def recent(failures: tuple[float, ...], now: float) -> tuple[float, ...]:
    """The failures of the last ten minutes; times are in seconds of any steady clock."""
    return tuple(time for time in failures if now - time < WINDOW_S)


def judge(failures: tuple[float, ...], now: float, today: datetime, last: str) -> Quarantine | None:
    """The quarantine that these failures bring; `last` is what was said of the last one.

    `today` is the same moment as `now`, as people tell it: a later leader is to know it, too.
    """
    count = len(recent(failures, now))
    if count < FAILURES:
        return None
    message = (
        f"is in quarantine for {QUARANTINE_S / 60:.0f} minutes: {count} jobs failed on it within "
        f"{WINDOW_S / 60:.0f} minutes, the last one: {last}"
    )
    return Quarantine(ends_at=today + timedelta(seconds=QUARANTINE_S), message=message)


def resume(written: Quarantine | None, today: datetime) -> Quarantine | None:
    """What is left of a quarantine that an earlier leader has written; a clock that was wrong makes it no longer."""
    if written is None or written.ends_at <= today:
        return None
    latest = today + timedelta(seconds=QUARANTINE_S)
    return Quarantine(ends_at=min(written.ends_at, latest), message=written.message)

"""Waiting for a condition that nothing announces, with a deadline and a reason."""

import time
from collections.abc import Callable

from cluster_harness.errors import DeadlineError

PAUSE_S = 0.05


def until(holds: Callable[[], bool], *, what: str, timeout_s: float, pause_s: float = PAUSE_S) -> None:
    """Return once `holds()`; DeadlineError, naming `what`, when it doesn't within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise DeadlineError(f"{what}: not within {timeout_s:g} s")
        time.sleep(pause_s)

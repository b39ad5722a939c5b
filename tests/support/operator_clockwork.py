"""An event loop whose time is made up: where everybody waits, it jumps to the next moment at which somebody wakes.

Hours pass in milliseconds, and the same seed gives the same order of things.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from fractal_operator.services.jobs.clock import Clock

T = TypeVar("T")

BEGINNING: Final = datetime(2030, 1, 31, 12, tzinfo=UTC)


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: tells the loop how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] = lambda _: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("everybody waits for ever")
            self.jump(timeout)
        return ready


class Clockwork(asyncio.SelectorEventLoop):
    """The loop."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        self._made_up = 0.0
        super().__init__(selector)
        selector.jump = self._jump

    def time(self) -> float:
        return self._made_up

    def _jump(self, seconds: float) -> None:
        # A little more than asked for, as real clocks do: rounding must not keep a timer from being due.
        self._made_up += seconds + 1e-6 if seconds > 0 else 0.0


class MadeUpClock(Clock):
    """The clock of such a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        now = BEGINNING + timedelta(seconds=self._loop.time())
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return self._loop.time()


def play(scene: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What the scene returns, played on a loop of its own."""
    loop = Clockwork()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(scene())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        asyncio.set_event_loop(None)
        loop.close()

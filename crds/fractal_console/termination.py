"""A polite end: a SIGTERM or a closed terminal unwinds the program as Ctrl-C does, so that nothing is left over."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

POLITE: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unwound_by_signals() -> Iterator[None]:
    """Within the context these signals raise SystemExit with 128 + their number; one that was ignored stays ignored."""
    before = {number: signal.getsignal(number) for number in POLITE}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)

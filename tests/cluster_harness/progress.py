"""The line that says which stage of how many is at work, and for how long."""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

SECONDS_BETWEEN_LINES = 15.0  # where lines can't be written over, as in a CI's log
TICK_S = 1.0


class Progress:
    """Announces the stages of a piece of work that has `total` of them."""

    def __init__(self, total: int, out: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._out, self._clock = total, out, clock
        self._begin = self._shown_at = clock()
        self._number = 0
        self._title = ""
        self._over = False  # whether our line is the last one, and so may be written over
        self._writing = threading.Lock()

    def stage(self, title: str) -> None:
        """Begin the next stage."""
        self._number += 1
        self._title = title
        self._shown_at = self._clock()
        self._write(title)

    def detail(self, text: str) -> None:
        """Say how far the stage is: at once on a terminal, now and then in a log."""
        now = self._clock()
        patience = 0.2 if self._out.isatty() else SECONDS_BETWEEN_LINES
        if now - self._shown_at >= patience:
            self._shown_at = now
            self._write(f"{self._title}: {text}", again=True)

    @contextlib.contextmanager
    def ticking(self, text: str) -> Iterator[None]:
        """Show that the stage goes on while the block does something that tells nothing of itself."""
        ended = threading.Event()

        def tick() -> None:
            while not ended.wait(TICK_S):
                self.detail(text)

        thread = threading.Thread(target=tick, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def aside(self, text: str) -> None:
        """Say something else between the stages' lines, from any thread."""
        with self._writing:
            self._over = False
            self._out.write(f"{text}\n")
            self._out.flush()

    def skip(self, stages: int) -> None:
        """Count so many stages as done, since nobody announces them."""
        self._number = stages

    def done(self, title: str) -> None:
        """The last line."""
        self.aside(f"{title} ({self._elapsed()})")

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(self._clock() - self._begin), 60)
        return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"

    def _write(self, text: str, *, again: bool = False) -> None:
        line = f"stage {self._number} of {self._total}: {text} ({self._elapsed()})"
        with self._writing:
            if self._out.isatty():
                over = "\x1b[1A\x1b[2K" if again and self._over else ""
                line = f"{over}{line[: shutil.get_terminal_size().columns]}"  # a second row could not be written over
            self._over = True
            self._out.write(f"{line}\n")
            self._out.flush()

"""The program `fractal` as a person runs it: a process of its own, with or without a terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

START: Final = (sys.executable, "-c", "import sys; from fractal_kernel.cli.program import main; sys.exit(main())")


def fractal(*arguments: str | Path, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """`fractal …` in a folder, without a terminal."""
    return subprocess.run(
        [*START, *map(str, arguments)], cwd=cwd, input=stdin, capture_output=True, check=False, timeout=120
    )


class Terminal:
    """A process whose standard streams are a terminal of 80×24, or some of them."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        self._master, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._seen = b""
        self.process = subprocess.Popen(
            [*START, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "", "LINES": "", "COLORTERM": "", **(environ or {})},
            stdin=child,
            stdout=child if stdout is None else stdout,
            stderr=child if stderr is None else stderr,
            start_new_session=True,
        )
        os.close(child)

    @property
    def screen(self) -> str:
        """All that the program wrote so far."""
        return self._seen.decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind, whatever the test found."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def read_until(self, seen: Callable[[str], bool], timeout_s: float = 60) -> None:
        """Read the screen until it satisfies `seen`; AssertionError when it never does."""
        deadline = time.monotonic() + timeout_s
        while not seen(self.screen):
            left = deadline - time.monotonic()
            assert left > 0, f"not within {timeout_s} s: {self.screen!r}"
            if not self._read(left):
                assert seen(self.screen), f"the program ended before: {self.screen!r}"

    def read_to_the_end(self, timeout_s: float = 60) -> int:
        """Read until the program ends; its exit code."""
        deadline = time.monotonic() + timeout_s
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(timeout=10)

    def _read(self, timeout_s: float) -> bool:
        """Whether there was more to read within the time."""
        ready, _, _ = select.select([self._master], [], [], max(timeout_s, 0))
        assert ready, f"nothing happened in time after {self.screen!r}"
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self._seen += data
        return bool(data)

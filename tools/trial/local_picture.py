"""The example rendered by this machine alone, beside whatever else goes on.

It is a process of its own, with the terminal's size, but not the terminal: the picture is handed over whole when it is
done, so that it doesn't mix with the progress of the cluster.
"""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cluster_harness.errors import CommandError, DeadlineError

from trial import places

DEADLINE_S: Final = 900.0
PIXELS: Final = re.compile(r"sha256 of pixels ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPicture:
    """A picture that this machine rendered: its file, and the hash that the renderer gave for its pixels."""

    file: Path
    pixels_sha256: str


class Rendering:
    """The rendering, begun; `tell` gets what a person should see as soon as it is done, from another thread."""

    def __init__(self, command: list[str], file: Path, tell: Callable[[str], None]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._tell = file, tell
        self._printed = ""
        self._failure: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        screen, child = _screen()
        self._process = subprocess.Popen(
            [*command, *(["--show"] if sys.stdout.isatty() else []), "--output", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=child,
            stderr=self._failure,
            env=places.environment(),
        )
        os.close(child)
        self._reading = threading.Thread(target=self._read, args=(screen,), name="local-picture", daemon=True)
        self._reading.start()

    def result(self) -> LocalPicture:
        """The picture, once it is done; CommandError with the renderer's own words when it failed."""
        self._reading.join(DEADLINE_S)
        if self._reading.is_alive():
            self.stop()
            raise DeadlineError(f"the picture of this machine was not done within {DEADLINE_S:g} s")
        if self._process.returncode:
            raise CommandError(f"the picture could not be rendered here: {self._words()}")
        found = PIXELS.search(self._printed)
        if found is None:
            raise CommandError(f"`fractal render` did not say what it rendered: {self._printed[-200:]!r}")
        return LocalPicture(file=self._file, pixels_sha256=found[1])

    def stop(self) -> None:
        """End it, whether or not it is done; what it leaves is continued the next time."""
        if self._process.poll() is None:
            self._process.terminate()
        self._reading.join(10)
        self._failure.close()

    def _read(self, screen: int) -> None:
        with os.fdopen(screen, "rb", buffering=0) as terminal:
            printed = b"".join(iter(lambda: _chunk(terminal), b""))
        self._printed = printed.decode(errors="replace").replace("\r\n", "\n")
        if self._process.wait() == 0:
            self._tell(self._printed.rstrip("\n"))

    def _words(self) -> str:
        self._failure.seek(0)
        return self._failure.read().decode(errors="replace").strip()[-500:] or f"exit code {self._process.returncode}"


def _screen() -> tuple[int, int]:
    """Both ends of a terminal of our own, as large as the one that the person sees."""
    screen, child = pty.openpty()
    size = shutil.get_terminal_size()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))
    return screen, child


def _chunk(terminal: IO[bytes]) -> bytes:
    try:
        return terminal.read(1 << 16)
    except OSError:  # Linux says EIO when the last writer of a terminal has closed it
        return b""

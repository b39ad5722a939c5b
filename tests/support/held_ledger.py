"""A ledger that lets a rendering come so far, and no further until the test lets it: however quick it is by then."""

import fcntl
import mmap
import os
import threading
from pathlib import Path
from typing import Final, Self

from support.agent_process import DEADLINE_S

_PIECE: Final = 512
"""Bytes that are read at once, of lines that have about nine: little, since what is read is not held any more."""

_END: Final = b"\0"


class HeldLedger:
    """A pipe, to be given to a process as its ledger; the lines go on into the file `ledger`. To be used as a context.

    When `tiles` are acknowledged, nothing is read any more. The pipe takes a page of lines, some 450, and then whoever
    writes waits: of 1,024 tiles, most are not handed out. So the rendering can't be over before `release`. At the end
    of the context each line is in the ledger; by then the process is to be over. Lines of two writers would mix in a
    pipe if one of them wrote more than a page at once, as an agent does that was without its store for long.
    """

    def __init__(self, pipe: Path, ledger: Path, *, tiles: int) -> None:
        self.path = pipe
        self.ledger = ledger
        os.mkfifo(pipe)
        pipe.chmod(0o666)  # whoever writes may be another user
        self._pipe = os.open(pipe, os.O_RDWR)  # with both ends here nobody finds the other one closed
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, mmap.PAGESIZE)
        self._wanted = tiles
        self._reached, self._released = threading.Event(), threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        os.write(self._pipe, _END)
        self._reader.join()
        os.close(self._pipe)
        self.path.unlink()

    def wait(self) -> None:
        """Return when so many tiles are acknowledged."""
        assert self._reached.wait(DEADLINE_S), f"{self._wanted} tiles: not within {DEADLINE_S:.0f} s"

    def release(self) -> None:
        """Let the rendering go on."""
        self._released.set()

    def _read(self) -> None:
        acknowledged = 0
        with self.ledger.open("ab", buffering=0) as ledger:
            while True:
                piece = os.read(self._pipe, _PIECE)
                ledger.write(piece.partition(_END)[0])
                if _END in piece:
                    return
                acknowledged += piece.count(b"A")
                if acknowledged >= self._wanted:
                    self._reached.set()
                    self._released.wait()

"""What was acknowledged, line by line in a file, for whoever wants to prove that nothing is rendered twice.

Rank 0 writes a line `R <tile> <epoch>` for each tile that it hands out, the agent `A <tile> <epoch>` for each that the
store acknowledged. Each write appends whole lines at once, so that both can share the file.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractal_kernel.agent.spool import Entry


class Ledger:
    """Appends to a file, or does nothing when there is none."""

    def __init__(self, path: Path | None) -> None:
        self._file = (
            None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        )

    def acknowledged(self, entries: Iterable["Entry"]) -> None:
        """Note that the store has these tiles."""
        if self._file is not None:
            os.write(self._file, "".join(f"A {entry.tile} {entry.epoch}\n" for entry in entries).encode())

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

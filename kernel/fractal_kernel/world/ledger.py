"""What was handed out to be rendered, line by line in a file: a proof for tests that nothing is rendered twice.

The agent appends what was acknowledged to the same file: `A <tile> <epoch>`.
"""

import os
from collections.abc import Iterable


class Ledger:
    """Appends to a file `R <tile> <epoch>` for each tile, or does nothing when there is none."""

    def __init__(self, path: str | None, epoch: int) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = None if path is None else os.open(path, flags, 0o644)
        self._epoch = epoch

    def handed_out(self, tiles: Iterable[int]) -> None:
        """Note these tiles, in one write, so that two writers never mix."""
        if self._file is not None:
            os.write(self._file, "".join(f"R {tile} {self._epoch}\n" for tile in tiles).encode())

"""The ledger of a run: what was handed out to be rendered, and what the store acknowledged, in their true order."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

QUIET_S: Final = 1.0
"""A rendering that goes on writes its ledger many times in this time."""


@dataclass(frozen=True, slots=True)
class Line:
    """`R`: handed out; `A`: acknowledged."""

    kind: str
    tile: int
    epoch: int


def acknowledged_so_far(path: Path) -> int:
    """How many tiles the store has acknowledged, quickly: for a look every few milliseconds."""
    return path.read_bytes().count(b"A ") if path.exists() else 0


class JoinedLedger:
    """Whole lines only: the last one may be under way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text() if path.exists() else ""
        words = [line.split() for line in text.split("\n")[:-1]]
        self.lines = [Line(kind, int(tile), int(epoch)) for kind, tile, epoch in words]

    def acknowledged(self) -> set[int]:
        return {line.tile for line in self.lines if line.kind == "A"}

    def handed_out(self) -> Counter[int]:
        return Counter(line.tile for line in self.lines if line.kind == "R")

    def join(self, stored: frozenset[int]) -> None:
        """Add what the store acknowledged but a dying agent could no longer write down."""
        epoch = max(line.epoch for line in self.lines)
        with self._path.open("a") as file:
            file.writelines(f"A {tile} {epoch}\n" for tile in sorted(stored - self.acknowledged()))

    def rendered_after_acknowledged(self) -> list[Line]:
        """What must never be: tiles handed out after they were acknowledged."""
        known: set[int] = set()
        wrong = []
        for line in self.lines:
            if line.kind == "A":
                known.add(line.tile)
            elif line.tile in known:
                wrong.append(line)
        return wrong

    def acknowledged_by(self, epoch: int) -> set[int]:
        """Acknowledged before a newer world than this one was handed its first tile."""
        known: set[int] = set()
        for line in self.lines:
            if line.kind == "R" and line.epoch > epoch:
                break
            if line.kind == "A":
                known.add(line.tile)
        return known


def settled(path: Path) -> JoinedLedger:
    """The ledger once nothing has come for a while; who writes for ever is stopped by the test's timeout."""
    last = JoinedLedger(path)
    while True:
        time.sleep(QUIET_S)  # that nothing happens can't be awaited
        ledger = JoinedLedger(path)
        if len(ledger.lines) == len(last.lines):
            return ledger
        last = ledger

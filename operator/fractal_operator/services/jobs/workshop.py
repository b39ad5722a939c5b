"""What the rounds over jobs and worlds work with: one memory, one clock, the same hands."""

from dataclasses import dataclass

from fractal_operator.services.jobs.archivist import Archivist
from fractal_operator.services.jobs.board import Board
from fractal_operator.services.jobs.clerk import Clerk
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.ledger import Ledger
from fractal_operator.services.jobs.placing import Placing


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """All that both rounds need."""

    ledger: Ledger
    board: Board
    clerk: Clerk
    placing: Placing
    archivist: Archivist
    clock: Clock

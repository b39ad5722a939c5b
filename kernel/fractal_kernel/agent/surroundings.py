"""What an agent works with, and how much it puts up with."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fractal_api.errors import TemporaryError
from fractal_kernel.agent.album import ALBUM_BYTES
from fractal_kernel.agent.notices import Notice, Onlooker, Waiting
from fractal_kernel.agent.patience import Patience
from fractal_kernel.agent.spool import CAPACITY

if TYPE_CHECKING:
    from fractal_kernel.agent.ledger import Ledger
    from fractal_kernel.agent.world import World
    from fractal_kernel.store.interface import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an agent puts up with.

    `fruitless` worlds or assemblies in a row without a tile; seconds for the store to come back, for a world to
    answer, and for the spool to be emptied when the agent ends; bytes of tiles that may wait for the store, and of
    those that are kept for the image although the store has them.
    """

    fruitless: int = 5
    store_s: float = 600.0
    start_s: float = 60.0
    flush_s: float = 15.0
    spool_bytes: int = CAPACITY
    album_bytes: int = ALBUM_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an agent works with; `folder` is for its spool."""

    store: "Store"
    world: "World"
    folder: Path
    ledger: "Ledger"
    onlookers: tuple[Onlooker, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def tell(self, notice: Notice) -> None:
        """Tell every onlooker."""
        for onlooker in self.onlookers:
            onlooker(notice)

    def patience(self, what: str, limit_s: float) -> Patience:
        """Patience with the store; onlookers are told what it waits for."""

        def trouble(error: TemporaryError | None) -> None:
            self.tell(Waiting(what=what, message="" if error is None else str(error)))

        return Patience(limit_s=limit_s, trouble=trouble)

"""What can be said of a run: its phase, and a view of it that is safe to hand out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fractal_api.storage import ResultRecord


class Phase(StrEnum):
    """How far a run is."""

    QUEUED = "Queued"
    """It waits for a world, or for the run before it."""
    RENDERING = "Rendering"
    ASSEMBLING = "Assembling"
    """Every tile is acknowledged; the image is put together."""
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    INTERRUPTED = "Interrupted"
    """The agent ends. Put again, the run goes on from its acknowledged tiles."""


ENDED: Final = frozenset({Phase.COMPLETE, Phase.FAILED, Phase.CANCELLED, Phase.INTERRUPTED})

FINAL: Final = frozenset({Phase.COMPLETE, Phase.FAILED, Phase.CANCELLED})
"""Phases that an id never leaves again, whoever puts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run as others see it.

    `done` of `total` tiles are acknowledged; `losses` counts the worlds that were lost under the run. `reason` is one
    word for programs, `message` a sentence for people; both are empty while all is well.
    """

    id: str
    digest: str
    phase: Phase
    done: int
    total: int
    losses: int
    reason: str = ""
    message: str = ""
    max_iterations: int | None = None
    result: "ResultRecord | None" = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it here."""
        return self.phase in ENDED

"""What an agent tells those who look on (event lines, metrics, a progress display): a closed set of frozen values.

Onlookers can't change a thing; an agent works the same without any.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractal_kernel.agent.phases import RunView
    from fractal_kernel.wire import Beat, Tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How far a run is: the share of its work that is done (0…1), seconds so far, and those left if known."""

    share: float = 0.0
    seconds: float = 0.0
    eta_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChanged:
    """A run has reached another phase, in the time of this world; `recalled` when that was before this agent's time."""

    run: "RunView"
    figures: Figures
    epoch: int
    recalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """The store acknowledged tiles of a run."""

    run: "RunView"
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """The world did the run's coarse pass."""

    run: str
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TilesCame:
    """The world rendered a batch of tiles."""

    batch: "Tiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """A run goes on after a loss; `cause` is one word."""

    run: "RunView"
    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUp:
    """The store holds up a run, or no longer does."""

    run: "RunView"
    held_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldUp:
    """A world answers; `hosts` and `pids` are by rank."""

    epoch: int
    hosts: Sequence[str]
    pids: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldDown:
    """A world is gone, or did not come; another will be tried."""

    epoch: int
    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldBeat:
    """What the world last heard from each of its ranks."""

    epoch: int
    beats: "Sequence[Beat]"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolChanged:
    """The spool holds so many bytes."""

    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The agent waits for something, and this is why; an empty message ends the wait."""

    what: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A rank, or mpirun, wrote a line."""

    line: str


Notice = (
    PhaseChanged
    | Progressed
    | Surveyed
    | TilesCame
    | Retried
    | HeldUp
    | WorldUp
    | WorldDown
    | WorldBeat
    | SpoolChanged
    | Waiting
    | Said
)

Onlooker = Callable[[Notice], None]

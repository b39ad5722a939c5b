"""What can happen to the agent's runs: a closed set of frozen values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fractal_kernel.agent.phases import Phase

if TYPE_CHECKING:
    from fractal_api.storage import ResultRecord
    from fractal_kernel.wire import Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A run was admitted and opened in the store, which has these tiles of it already."""

    run: str
    digest: str
    tiles: int
    stored: frozenset[int] = frozenset()
    max_iterations: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A run was put that the store knows to be over."""

    run: str
    digest: str
    tiles: int
    phase: Phase
    reason: str = ""
    message: str = ""
    result: "ResultRecord | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Somebody wants no more of this run."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldReady:
    """A world answers."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldLost:
    """The world is gone, or never came; another one will be tried. `cause` is one word."""

    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """The world did the run's coarse pass."""

    epoch: int
    run: str
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TilesCame:
    """The world rendered these tiles."""

    epoch: int
    run: str
    tiles: "Sequence[Tile]"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldFree:
    """The world has no more to do for this run: it sent every tile, or cancelled it."""

    epoch: int
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldRefused:
    """The world can't render this run, ever."""

    epoch: int
    run: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The store has these tiles for good."""

    run: str
    tiles: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFull:
    """The spool holds as much as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolRoom:
    """The spool has room again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLost:
    """The store was away, full or broken for longer than a run waits for it."""

    run: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The store takes no more tiles of this run: a newer attempt at its picture was begun, or somebody else has it."""

    run: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """The image stands in the store, read back and proved."""

    run: str
    result: "ResultRecord"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblyFailed:
    """The image could not be put together; `lost` are tiles that the store no longer has, or damaged."""

    run: str
    message: str
    lost: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """The agent is to end soon: render nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """The agent ends now: the spool is as empty as it will get."""


Stimulus = (
    Put
    | Recall
    | Delete
    | WorldReady
    | WorldLost
    | Surveyed
    | TilesCame
    | WorldFree
    | WorldRefused
    | Acknowledged
    | SpoolFull
    | SpoolRoom
    | StoreLost
    | Superseded
    | Assembled
    | AssemblyFailed
    | Clock
    | Terminate
    | Flushed
)

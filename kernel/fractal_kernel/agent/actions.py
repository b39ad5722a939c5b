"""What is to be done about the agent's runs: a closed set of frozen values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fractal_kernel.agent.phases import Phase

if TYPE_CHECKING:
    from fractal_kernel.wire import Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRun:
    """Give the run to the world, but for the tiles that we have."""

    epoch: int
    run: str
    have: frozenset[int]
    max_iterations: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCancel:
    """Take the run from the world."""

    epoch: int
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPause:
    """Let the world hand out no more tiles."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResume:
    """Let the world go on."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepTiles:
    """Put these tiles, which have just come, into the spool."""

    epoch: int
    run: str
    tiles: "tuple[Tile, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTiles:
    """Forget what the spool has of the run."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember:
    """Note in the store what `auto` came to, for later worlds."""

    run: str
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemble:
    """Put the image together."""

    run: str
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DropAssembly:
    """End the assembly of this run, if one is on."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CondemnWorld:
    """End this world: it doesn't do what it was told."""

    epoch: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The run is over here: note a final phase in the store, and release the run."""

    run: str
    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Say that the run has reached this phase, or reached it earlier, as the store knows (`recalled`)."""

    run: str
    phase: Phase
    recalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRetry:
    """Say in an event line that the run goes on after a loss."""

    run: str
    cause: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellProgress:
    """Tiles were acknowledged; say so, though not every time."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellBackpressure:
    """Say in an event line that the store holds up the run, or no longer does."""

    run: str
    held_up: bool


Action = (
    SendRun
    | SendCancel
    | SendPause
    | SendResume
    | KeepTiles
    | DropTiles
    | Remember
    | Assemble
    | DropAssembly
    | CondemnWorld
    | Close
    | Tell
    | TellRetry
    | TellProgress
    | TellBackpressure
)

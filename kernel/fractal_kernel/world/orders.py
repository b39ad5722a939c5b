"""What rank 0 tells a rank to do, and what a rank reports: the messages inside a world.

They travel pickled, since all ranks run the same program. Pixel data travels beside a message, never in it. Every task
is answered by exactly one report, whatever becomes of it.
"""

from dataclasses import dataclass

from fractal_kernel.coarse import Tally
from fractal_kernel.definition import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Tasks are of this run from now on. Sent for the coarse pass, and again if that has decided max_iterations."""

    run: str
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Give up whatever is left of this run's tasks, at once."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit:
    """End in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A task: run the rank's share of the coarse samples on to `limit`, and say how they are."""

    task: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """A task: run the rank's share of the coarse samples on to `limit`, and send what they say of the tiles.

    It is the last of the coarse pass. Samples that are undecided then are expected to take max_iterations.
    """

    task: int
    limit: int
    max_iterations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """A task: render these tiles in one call."""

    task: int
    tiles: tuple[int, ...]


Task = Sample | Collect | Render
Order = Begin | Halt | Quit | Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """How the rank's share of the coarse samples ended the round."""

    task: int
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The rank's share of the coarse pass is over; as data, its `costs.tile_iterations`."""

    task: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The tiles of a batch are done; as data, their blobs. `seconds` is what the kernel thread took."""

    task: int
    iterations: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The task was given up, because its run was halted."""

    task: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The task can't be done, for a reason that lies in what was asked for."""

    task: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The rank's main thread is alive. `iterations` and `batches` count since the world began."""

    iterations: int
    batches: int
    busy: bool


Outcome = Sampled | Collected | Rendered | Stopped | Refused
Report = Outcome | Pulse

"""The messages between the agent and rank 0: a closed set in each direction, each a frozen value."""

from dataclasses import dataclass

from fractal_kernel.definition import Definition

Blob = bytes | memoryview
"""Pixel data on the way."""

Tile = tuple[int, Blob]
"""A rendered tile: its number in the picture, and its bytes as the store keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Render this picture, but for the tiles acknowledged already.

    `max_iterations` is what an earlier world resolved `auto` to; without it the coarse pass decides.
    """

    run: str
    definition: Definition
    acknowledged: frozenset[int] = frozenset()
    max_iterations: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End this run: no tile of it is wanted any more. It is answered by `Cancelled`, also when the run is unknown."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Hand out no more tiles: the spool is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Hand out tiles again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the world in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The world is up; `hosts` and `pids` are by rank."""

    epoch: int
    hosts: tuple[str, ...]
    pids: tuple[int, ...]

    @property
    def ranks(self) -> int:
        """The size of the world."""
        return len(self.hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The run's coarse pass has begun."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """The coarse pass is done: `tiles` tiles are to be rendered, `work` estimated iterations in all."""

    run: str
    max_iterations: int
    work: float
    tiles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """The tiles of one batch, which a rank has rendered in so many `seconds`; `work` is its share of `Surveyed.work`.

    What is the same for all tiles is said once: a picture on a screen has hundreds of them.
    """

    run: str
    rank: int
    iterations: int
    seconds: float
    work: float
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Every tile that was not acknowledged before has been sent."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """No rank works on this run any more, and no message of it follows."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """This run can't be rendered, for a reason that lies in its definition; the world lives on."""

    run: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What rank 0 last heard from a rank, `silent_s` seconds ago.

    `iterations` and `batches` count since the world began; `busy` says that the rank's kernel thread works.
    """

    rank: int
    iterations: int
    batches: int
    busy: bool
    silent_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The world is alive; every five seconds."""

    ranks: tuple[Beat, ...]


ToWorld = Run | Cancel | Pause | Resume | Stop
"""What the agent says."""

ToAgent = Ready | Started | Surveyed | Tiles | Rendered | Cancelled | Failed | Heartbeat
"""What rank 0 says."""

Message = ToWorld | ToAgent

"""The runs that an agent knows: one on, one next, and those that are over."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from fractal_kernel.agent.phases import Phase, RunView

if TYPE_CHECKING:
    from fractal_api.storage import ResultRecord

PLACES: Final = 2
"""One run on, one next: a world never waits for its next run, and a queue is kept elsewhere."""

HISTORY: Final = 256
"""So many ended runs are remembered; the store knows the others."""


class Verdict(Enum):
    """What becomes of a run that is put."""

    FREE = auto()
    KNOWN = auto()
    BUSY = auto()
    DIFFERENT = auto()


@dataclass(slots=True, kw_only=True)
class RunState:
    """A run that is on, next, or over.

    `kept` are tiles in the spool; `fruitless` counts the worlds and assemblies lost since the last acknowledged tile.
    """

    id: str
    digest: str
    total: int
    acknowledged: set[int] = field(default_factory=set)
    max_iterations: int | None = None
    phase: Phase = Phase.QUEUED
    kept: set[int] = field(default_factory=set)
    losses: int = 0
    fruitless: int = 0
    reason: str = ""
    message: str = ""
    result: "ResultRecord | None" = None

    @property
    def uid(self) -> str:
        """The picture that this is an attempt at."""
        return uid_of(self.id)

    @property
    def complete(self) -> bool:
        """Whether the store has every tile."""
        return len(self.acknowledged) == self.total

    @property
    def view(self) -> RunView:
        """The run as others see it."""
        return RunView(
            id=self.id,
            digest=self.digest,
            phase=self.phase,
            done=len(self.acknowledged),
            total=self.total,
            losses=self.losses,
            reason=self.reason,
            message=self.message,
            max_iterations=self.max_iterations,
            result=self.result,
        )


class Roster:
    """Who is on, who is next, and who was."""

    def __init__(self) -> None:
        self._active: list[RunState] = []
        self._ended: dict[str, RunState] = {}

    def admit(self, run: str, digest: str) -> Verdict:
        """What would become of this run if it were put now."""
        if known := self.find(run):
            return Verdict.KNOWN if known.digest == digest else Verdict.DIFFERENT
        # Two attempts at one picture would write to the same keys.
        rival = any(other.uid == uid_of(run) for other in self._active)
        return Verdict.BUSY if rival or len(self._active) == PLACES else Verdict.FREE

    def add(self, run: RunState) -> None:
        """Take in a run that is to be rendered."""
        self._active.append(run)

    def archive(self, run: RunState) -> None:
        """Take in a run that is over, or take it from the active ones."""
        if run in self._active:
            self._active.remove(run)
        self._ended[run.id] = run
        while len(self._ended) > HISTORY:
            del self._ended[next(iter(self._ended))]

    @property
    def first(self) -> RunState | None:
        """The run that is on."""
        return self._active[0] if self._active else None

    @property
    def active(self) -> tuple[RunState, ...]:
        """The run that is on, and the next one."""
        return tuple(self._active)

    @property
    def ended(self) -> tuple[RunState, ...]:
        """The runs that are over, the oldest first."""
        return tuple(self._ended.values())

    def find(self, run: str) -> RunState | None:
        """The run of this id, active or over."""
        return self.find_active(run) or self._ended.get(run)

    def find_active(self, run: str) -> RunState | None:
        """The run of this id, if it is on or next."""
        return next((one for one in self._active if one.id == run), None)


def uid_of(run: str) -> str:
    """The uid of a run's id, which is `<uid>-<attempt>`."""
    return run.rpartition("-")[0]

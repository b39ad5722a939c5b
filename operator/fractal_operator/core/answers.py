"""What an agent is asked and told, and what it answers: values, so that decisions need no HTTP."""

from dataclasses import dataclass, field
from enum import StrEnum

from fractal_operator.core.names import Object


class Phase(StrEnum):
    """How far a run is, in the agent's words."""

    QUEUED = "Queued"
    RENDERING = "Rendering"
    ASSEMBLING = "Assembling"
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    INTERRUPTED = "Interrupted"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to the run at this agent."""
        return self in {Phase.COMPLETE, Phase.FAILED, Phase.CANCELLED, Phase.INTERRUPTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Ask the agent for all its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Give the agent a run; again is the same as once."""

    run: str
    attempt: int
    spec: Object = field(repr=False)
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Take a run back."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask how a run is."""

    run: str


Errand = Inspect | Put | Cancel | Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A run, as its agent tells of it; `reason` and `message` say why it failed."""

    run: str
    phase: Phase
    tiles_done: int = 0
    tiles_total: int = 0
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsSeen:
    """All runs of an agent; `epoch` is its present world's, None when there is none."""

    runs: tuple[RunSeen, ...]
    epoch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSuchRun:
    """The agent knows no such run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """The agent has no place; these runs have them."""

    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The agent won't have this run, ever; `word` is for programs, `message` a sentence."""

    word: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """The agent can't do it now, and has not; `after_s` is how long it asks to be left alone with it."""

    word: str
    message: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """No answer: nothing is known."""

    message: str


Answer = RunSeen | RunsSeen | NoSuchRun | Busy | Refused | Later | Away

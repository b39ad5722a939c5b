"""What can happen to a FractalJob, as values: the columns of the table in `lifecycle`."""

from dataclasses import dataclass

from fractal_api.conditions import JobReason
from fractal_api.jobs import Progress
from fractal_api.storage import ResultRecord
from fractal_operator.core.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """Something that happened to a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStimulus(Stimulus):
    """Something that happened to one attempt; another attempt has nothing to do with it."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Stimulus):
    """What is asked for can't be rendered, by anybody, ever."""

    reason: JobReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Stimulus):
    """No world can take it now."""

    reason: JobReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Stimulus):
    """A world is free for it."""

    world: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(Stimulus):
    """Its owner holds it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Stimulus):
    """Its owner holds it back no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire(Stimulus):
    """Its activeDeadlineSeconds are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance(RunStimulus):
    """The world renders it, and is so far."""

    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall(RunStimulus):
    """The store holds it up; or, without a reason, no longer does."""

    reason: JobReason | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(RunStimulus):
    """The store has its picture."""

    record: ResultRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Break(RunStimulus):
    """The attempt is over, without a picture."""

    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(RunStimulus):
    """Its agent is another one than before, and knows nothing of it."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(RunStimulus):
    """The run was taken back, as it was asked to be: nobody works on it any more."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire(Stimulus):
    """Its ttlSecondsAfterFinished are over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseResult(Stimulus):
    """The store has its picture no longer."""

    reason: JobReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanish(Stimulus):
    """The FractalJob was deleted."""

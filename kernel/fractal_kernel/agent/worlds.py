"""When a world is started, ended and started again: epochs, deadlines, silence, back-off.

Pure, like `runs`: stimuli in, actions out. A world is identified by its epoch, which only grows; what comes from an
older one is dropped. A new world starts only when every process of the old one is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

SILENCE_S: Final = 20.0
"""A rank that has not been heard of for this long is hung: it says something every five seconds."""

STEADY_S: Final = 30.0
"""A world that lived this long was no failed start: the back-off begins anew."""

GAP_S: Final = 5.0
"""The clock ticks each second. A longer gap means that the agent itself slept, and nobody else is to blame for it."""

BACKOFF_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class Cause(StrEnum):
    """Why a world was lost."""

    DIED = "WorldDied"
    HUNG = "WorldHung"
    LATE = "WorldNotStarted"
    CONDEMNED = "WorldCondemned"


class State(StrEnum):
    """What the world is doing."""

    DOWN = "Down"
    STARTING = "Starting"
    READY = "Ready"
    ENDING = "Ending"
    STOPPED = "Stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A world is wanted from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A second has passed; `stopped` says that mpirun itself stands still (SIGSTOP)."""

    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Rank 0 says that its world is up."""

    epoch: int
    ranks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Rank 0 says how long ago it heard of each rank, in seconds."""

    epoch: int
    silent_s: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The world brought tiles that were acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """mpirun has ended, its link has closed, it could not be started, or it doesn't do what it was told."""

    epoch: int
    cause: Cause
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """No process of this world is left."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """No world is wanted any more; `orderly` lets it end by itself first."""

    orderly: bool = True


Stimulus = Begin | Tick | Hello | Heard | Progress | Fault | Gone | Finish


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """Start mpirun."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """End every process of this world, and say when they are gone; `orderly` lets it end by itself first."""

    epoch: int
    orderly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """The world can be used."""

    epoch: int
    ranks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The world can't be used any more, or could not be started."""

    epoch: int
    cause: Cause
    message: str


Action = Spawn | End | Up | Lost
_MPIRUN: Final = -1  # stands among the ranks that are watched


class Worlds:
    """The one world of an agent, again and again. `start_limit_s`: from the start of mpirun to its first word."""

    def __init__(self, *, start_limit_s: float) -> None:
        self.state = State.DOWN
        self.epoch = 0
        self.losses = 0
        self._start_limit_s = start_limit_s
        self._failures = 0
        self._wanted = False
        self._since = 0.0
        self._last_tick: float | None = None
        self._heard: dict[int, float] = {}

    def handle(self, stimulus: Stimulus, now: float, new_epoch: int = 0) -> tuple[Action, ...]:
        """What is to be done. `new_epoch` is what a world started now would be called, if that is a new name."""
        if isinstance(stimulus, Hello | Heard | Fault | Gone) and stimulus.epoch != self.epoch:
            return ()
        match stimulus:
            case Begin():
                self._wanted = True
            case Tick():
                return (*self._tick(stimulus, now), *self._spawn_when_due(now, new_epoch))
            case Hello():
                return self._hello(stimulus, now)
            case Heard():
                self._heard |= {rank: now - silent_s for rank, silent_s in enumerate(stimulus.silent_s)}
            case Progress():
                self._failures = 0
            case Fault():
                return self._lose(stimulus.cause, stimulus.message, now)
            case Gone():
                self.state, self._since = (State.DOWN if self._wanted else State.STOPPED), now
            case Finish():
                return self._finish(stimulus)
            case _:
                assert_never(stimulus)
        return self._spawn_when_due(now, new_epoch)

    def _spawn_when_due(self, now: float, new_epoch: int) -> tuple[Action, ...]:
        wait_s = BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1] if self._failures else 0.0
        if not self._wanted or self.state is not State.DOWN or now - self._since < wait_s:
            return ()
        self.epoch = max(self.epoch + 1, new_epoch)
        self.state, self._since = State.STARTING, now
        self._heard = {_MPIRUN: now}
        return (Spawn(epoch=self.epoch),)

    def _hello(self, hello: Hello, now: float) -> tuple[Action, ...]:
        if self.state is not State.STARTING:
            return ()
        self.state, self._since = State.READY, now
        self._heard |= dict.fromkeys(range(hello.ranks), now)
        return (Up(epoch=self.epoch, ranks=hello.ranks),)

    def _tick(self, tick: Tick, now: float) -> tuple[Action, ...]:
        gap_s = 0.0 if self._last_tick is None else now - self._last_tick
        self._last_tick = now
        if gap_s > GAP_S:
            self._since += gap_s
            self._heard = {rank: heard + gap_s for rank, heard in self._heard.items()}
        if not tick.stopped:
            self._heard[_MPIRUN] = now
        if self.state is State.STARTING and now - self._since > self._start_limit_s:
            return self._lose(Cause.LATE, f"the world did not answer within {self._start_limit_s:.0f} s", now)
        silent = sorted(rank for rank, heard in self._heard.items() if now - heard > SILENCE_S)
        if self.state is not State.READY or not silent:
            return ()
        names = " and ".join("mpirun" if rank == _MPIRUN else f"rank {rank}" for rank in silent)
        return self._lose(Cause.HUNG, f"nothing was heard of {names} for {SILENCE_S:.0f} s", now)

    def _lose(self, cause: Cause, message: str, now: float) -> tuple[Action, ...]:
        if self.state not in {State.STARTING, State.READY}:
            return ()
        if self.state is State.READY and now - self._since >= STEADY_S:
            self._failures = 0
        self._failures += 1
        self.losses += 1
        self.state = State.ENDING
        return (Lost(epoch=self.epoch, cause=cause, message=message), End(epoch=self.epoch))

    def _finish(self, finish: Finish) -> tuple[Action, ...]:
        self._wanted = False
        match self.state:
            case State.STARTING | State.READY:
                orderly = finish.orderly and self.state is State.READY
                self.state = State.ENDING
                return (End(epoch=self.epoch, orderly=orderly),)
            case State.DOWN:
                self.state = State.STOPPED
        return ()

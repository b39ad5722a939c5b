"""The life of a FractalJob: one table of what follows from what, for every state and every stimulus.

A job's state is derived from its status alone: what the API server holds is the truth, and whoever leads next finds it
there. The diagram in docs/lifecycle.md is drawn from the table (`diagram`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from fractal_api.conditions import JobCondition, holds
from fractal_api.jobs import FractalJobStatus
from fractal_operator.core import stimuli as s
from fractal_operator.core import transitions as t
from fractal_operator.core.jobs import Job
from fractal_operator.core.transitions import Decision


class State(StrEnum):
    """Where a job is in its life."""

    NEW = "New"
    QUEUED = "Queued"
    SUSPENDED = "Suspended"
    ASSIGNED = "Assigned"
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"
    GONE = "Gone"
    """Deleted: no status says so, hence no job is ever found in it."""


WAITING: Final = frozenset({State.NEW, State.QUEUED})
ACTIVE: Final = frozenset({State.ASSIGNED, State.RUNNING})
FINISHED: Final = frozenset({State.COMPLETE, State.FAILED})
STATES: Final = tuple(state for state in State if state is not State.GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a stimulus does: where it may lead, and how."""

    to: frozenset[State]
    apply: Callable[[Job, Any, datetime], Decision]


def _to(apply: Callable[[Job, Any, datetime], Decision], *states: State) -> Rule:
    return Rule(to=frozenset(states), apply=apply)


def state_of(status: FractalJobStatus) -> State:
    """The state that a status tells of."""
    told = status.conditions
    if holds(told, JobCondition.FAILED):
        return State.FAILED
    if holds(told, JobCondition.COMPLETE):
        return State.COMPLETE
    if holds(told, JobCondition.ASSIGNED) and status.assigned_to:
        return State.RUNNING if holds(told, JobCondition.RUNNING) else State.ASSIGNED
    if holds(told, JobCondition.SUSPENDED):
        return State.SUSPENDED
    return State.QUEUED if holds(told, JobCondition.ACCEPTED) else State.NEW


_N, _Q, _S, _A, _R, _C, _F = STATES
_NONE: Final = Rule(to=frozenset(), apply=t.ignore)
_REFUSE: Final = _to(t.refuse, _F)
_HOLD: Final = _to(t.hold, _Q)
_PLACE: Final = _to(t.place, _A)
_SUSPEND: Final = _to(t.suspend, _S)
_CALL_A: Final = _to(t.recall, _A)
_CALL_R: Final = _to(t.recall, _R)
_RESUME: Final = _to(t.resume, _Q)
_EXPIRE: Final = _to(t.expire, _F)
_BEGIN: Final = _to(t.advance, _R)
_PROCEED: Final = _to(t.proceed, _R)
_HOLD_UP: Final = _to(t.hold_up, _A)
_STALL: Final = _to(t.stall, _R)
_FINISH: Final = _to(t.finish, _C)
_FAIL: Final = _to(t.fail, _Q, _F)
_FORGET: Final = _to(t.forget, _A, _F)
_RELEASE: Final = _to(t.release, _Q, _S)
_END_C: Final = _to(t.retire, _C)
_END_F: Final = _to(t.retire, _F)
_LOSE: Final = _to(t.lose_result, _C)
_DROP: Final = _to(t.drop, State.GONE)
_VANISH: Final = _to(t.vanish, State.GONE)


def _row(*rules: Rule) -> Mapping[State, Rule]:
    return dict(zip(STATES, rules, strict=True))


# fmt: off
TABLE: Final[Mapping[type[s.Stimulus], Mapping[State, Rule]]] = {
    #                  New       Queued    Suspended Assigned  Running   Complete  Failed
    s.Refuse:     _row(_REFUSE,  _REFUSE,  _REFUSE,  _REFUSE,  _REFUSE,  _NONE,    _NONE),
    s.Hold:       _row(_HOLD,    _HOLD,    _NONE,    _NONE,    _NONE,    _NONE,    _NONE),
    s.Place:      _row(_PLACE,   _PLACE,   _NONE,    _NONE,    _NONE,    _NONE,    _NONE),
    s.Suspend:    _row(_SUSPEND, _SUSPEND, _NONE,    _CALL_A,  _CALL_R,  _NONE,    _NONE),
    s.Resume:     _row(_NONE,    _NONE,    _RESUME,  _NONE,    _NONE,    _NONE,    _NONE),
    s.Expire:     _row(_EXPIRE,  _EXPIRE,  _EXPIRE,  _EXPIRE,  _EXPIRE,  _NONE,    _NONE),
    s.Advance:    _row(_NONE,    _NONE,    _NONE,    _BEGIN,   _PROCEED, _NONE,    _NONE),
    s.Stall:      _row(_NONE,    _NONE,    _NONE,    _HOLD_UP, _STALL,   _NONE,    _NONE),
    s.Finish:     _row(_NONE,    _NONE,    _NONE,    _FINISH,  _FINISH,  _NONE,    _NONE),
    s.Break:      _row(_NONE,    _NONE,    _NONE,    _FAIL,    _FAIL,    _NONE,    _NONE),
    s.Forget:     _row(_NONE,    _NONE,    _NONE,    _FORGET,  _FORGET,  _NONE,    _NONE),
    s.Release:    _row(_NONE,    _NONE,    _NONE,    _RELEASE, _RELEASE, _NONE,    _NONE),
    s.Retire:     _row(_NONE,    _NONE,    _NONE,    _NONE,    _NONE,    _END_C,   _END_F),
    s.LoseResult: _row(_NONE,    _NONE,    _NONE,    _NONE,    _NONE,    _LOSE,    _NONE),
    s.Vanish:     _row(_DROP,    _DROP,    _DROP,    _VANISH,  _VANISH,  _DROP,    _DROP),
}
# fmt: on
"""What each stimulus does in each state; `_NONE` where it comes too late, too early, or from another time."""


def decide(job: Job, stimulus: s.Stimulus, now: datetime) -> Decision:
    """What follows from a stimulus. One that is about another attempt than the job's changes nothing."""
    if isinstance(stimulus, s.RunStimulus) and stimulus.attempt != job.attempt:
        return t.ignore(job, stimulus, now)
    return TABLE[type(stimulus)][state_of(job.status)].apply(job, stimulus, now)

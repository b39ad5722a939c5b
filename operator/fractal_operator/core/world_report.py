"""What people are told of a world: its status, as one value made from a decision and what was seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fractal_api.conditions import Condition, ConditionStatus, find_condition, set_condition
from fractal_api.conditions import NamespaceCondition as Kind
from fractal_api.conditions import NamespaceReason as Reason
from fractal_api.namespaces import FractalNamespaceStatus
from fractal_operator.core.names import LIFT_QUARANTINE
from fractal_operator.core.world_life import Decision, Stage, World
from fractal_operator.core.world_plan import pod_selector
from fractal_operator.core.worlds import Quarantine

_NO_JOB: Final = "gets no job for a while: "
_REMEDY: Final = f"; kubectl annotate fns/{{}} {LIFT_QUARANTINE}=now ends it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a world can't be what its FractalNamespace says; `message` is a sentence's rest after "the world".

    `sick` says that a person should look at it.
    """

    reason: Reason
    message: str
    sick: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a status is made from."""

    name: str
    generation: int | None
    slots_per_node: int
    world: World
    decision: Decision
    quarantine: Quarantine | None = None
    refusal: Refusal | None = None


def plan_status(report: Report, before: FractalNamespaceStatus, now: datetime) -> FractalNamespaceStatus:
    """The status after the one before; conditions keep the time of their last transition."""
    conditions = before.conditions
    for condition in (_ready(report), _progressing(report), _draining(report), _degraded(report)):
        dated = condition.model_copy(update={"observed_generation": report.generation})
        conditions = set_condition(conditions, dated, now)
    ready = sum(pod.ready for pod in report.world.pods)
    return FractalNamespaceStatus(
        observedGeneration=report.generation,
        conditions=conditions,
        nodes=len(report.world.pods),
        readyNodes=ready,
        slots=report.world.nodes * report.slots_per_node if report.decision.stage is Stage.READY else 0,
        selector=pod_selector(report.name),
        quarantinedUntil=report.quarantine.ends_at if report.quarantine else None,
        currentJob=report.world.job,
    )


def read_quarantine(status: FractalNamespaceStatus) -> Quarantine | None:
    """The quarantine that a status tells of, if it does; whether it is over is for whoever asks."""
    if status.quarantined_until is None:
        return None
    degraded = find_condition(status.conditions, Kind.DEGRADED)
    known = degraded is not None and degraded.reason == Reason.QUARANTINED
    message = degraded.message.removeprefix(f"The world {_NO_JOB}").removesuffix(".") if degraded and known else ""
    message = message.partition(_REMEDY.partition("{}")[0])[0]
    return Quarantine(
        ends_at=status.quarantined_until, message=message or "is in quarantine: too many jobs failed on it"
    )


def why_not(report: Report) -> str:
    """Why the world takes no runs, as a sentence's rest after "the world"; empty when it takes them."""
    if report.refusal is not None:
        return report.refusal.message
    if report.decision.takes_runs:
        return ""
    return _drained(report) if report.decision.draining else report.decision.message


def _ready(report: Report) -> Condition:
    takes = report.decision.takes_runs and report.refusal is None
    return _condition(Kind.READY, takes, _reason(report), why_not(report) or report.decision.message)


def _progressing(report: Report) -> Condition:
    moving = report.decision.stage in _MOVING if report.refusal is None else not report.refusal.sick
    reason = report.refusal.reason if report.refusal else _STAGES[report.decision.stage]
    message = report.refusal.message if report.refusal else report.decision.message
    return _condition(Kind.PROGRESSING, moving, reason, message)


def _draining(report: Report) -> Condition:
    if not report.decision.draining:
        return _condition(Kind.DRAINING, False, Reason.NOT_REQUESTED, "is not drained")
    reason = Reason.DRAINED if report.world.job is None else Reason.DRAIN_REQUESTED
    return _condition(Kind.DRAINING, True, reason, _drained(report))


def _degraded(report: Report) -> Condition:
    if report.refusal is not None and report.refusal.sick:
        return _condition(Kind.DEGRADED, True, report.refusal.reason, report.refusal.message)
    if report.decision.stage in _SICK:
        return _condition(Kind.DEGRADED, True, _STAGES[report.decision.stage], report.decision.message)
    if report.quarantine is not None:
        remedy = _REMEDY.format(report.name)
        return _condition(Kind.DEGRADED, True, Reason.QUARANTINED, f"{_NO_JOB}{report.quarantine.message}{remedy}")
    return _condition(Kind.DEGRADED, False, Reason.AS_EXPECTED, "is as it should be")


def _reason(report: Report) -> Reason:
    if report.refusal is not None:
        return report.refusal.reason
    if report.decision.draining:
        return Reason.DRAINED if report.world.job is None else Reason.DRAIN_REQUESTED
    return _STAGES[report.decision.stage]


def _drained(report: Report) -> str:
    what = "is being deleted" if report.world.leaving_at is not None else "is drained"
    return what if report.world.job is None else f"{what}, and waits for {report.world.job}"


_STAGES: Final = {
    Stage.RESTING: Reason.SCALED_TO_ZERO,
    Stage.STARTING: Reason.PODS_STARTING,
    Stage.READY: Reason.WORLD_READY,
    Stage.LOST: Reason.WORLD_LOST,
    Stage.PENDING: Reason.ROLLOUT_PENDING,
    Stage.GIVEN_UP: Reason.START_DEADLINE_EXCEEDED,
    Stage.LEAVING: Reason.DRAIN_REQUESTED,
    Stage.GONE: Reason.DRAINED,
}
_MOVING: Final = frozenset({Stage.STARTING, Stage.LOST, Stage.PENDING, Stage.LEAVING})
_SICK: Final = frozenset({Stage.LOST, Stage.GIVEN_UP})


def _condition(kind: Kind, holds: bool, reason: Reason, message: str) -> Condition:
    status = ConditionStatus.TRUE if holds else ConditionStatus.FALSE
    return Condition(type=kind, status=status, reason=reason, message=f"The world {message.rstrip('.')}.")

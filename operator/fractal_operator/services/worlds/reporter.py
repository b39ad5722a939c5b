"""Writes what a world's status is, and tells people of its turns."""

import logging
from collections import deque
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from fractal_api.conditions import ConditionStatus, find_condition, holds
from fractal_api.conditions import NamespaceCondition as Kind
from fractal_api.errors import FractalError, TemporaryError
from fractal_api.namespaces import FractalNamespaceStatus
from fractal_operator.adapters.api_errors import AlreadyExists
from fractal_operator.builders.world_events import NAMESPACE, WorldEvent, build_world_event
from fractal_operator.core import paths
from fractal_operator.core.names import LIFT_QUARANTINE, Object
from fractal_operator.core.world_report import Report, plan_status
from fractal_operator.services.worlds.tools import Tools

PACE_S: Final = 2.0
"""How often the figures of a starting world are written at most; its turns are written at once."""

JOB_S: Final = 5.0
"""How long another job must be on before that is written: a short one costs no write, and many of them few."""

MAX_UNTOLD: Final = 16
"""Events of a world that wait, because the API server didn't take them; the oldest go first."""

QUARANTINE_ENDED: Final = "QuarantineEnded"

logger: Final = logging.getLogger(__name__)


class Reporter:
    """One world's."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._wrote_at = float("-inf")
        self._other_job_since: float | None = None
        self._untold: deque[Object] = deque(maxlen=MAX_UNTOLD)

    async def report(self, obj: Object, report: Report) -> tuple[Object, float | None]:
        """The FractalNamespace with its status written, and after how long there is more to write, if so."""
        now = self._tools.clock()
        before = read_status(obj)
        after = plan_status(report, before, datetime.fromtimestamp(now, UTC))
        left_s = self._too_early_s(before, after, now)
        if left_s is None or left_s > 0:
            await self._write_events()
            return obj, left_s
        body = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}, "status": _dump(after)}
        obj = await self._tools.api.merge(f"{paths.WORLDS}/{report.name}/status", body)
        self._wrote_at, self._other_job_since = now, None
        self._collect_events(obj, before, after)
        await self._write_events()
        return obj, None

    async def tick_off_lift(self, obj: Object) -> Object:
        """The FractalNamespace without the wish for its quarantine's end, which was granted."""
        world, version = obj["metadata"]["name"], obj["metadata"]["resourceVersion"]
        logger.info("nothing is held against the world any more: %s", LIFT_QUARANTINE, extra={"world": world})
        body = {"metadata": {"resourceVersion": version, "annotations": {LIFT_QUARANTINE: None}}}
        return await self._tools.api.merge(f"{paths.WORLDS}/{world}", body)

    def _too_early_s(self, before: FractalNamespaceStatus, after: FractalNamespaceStatus, now: float) -> float | None:
        """After how long the status is worth a write; 0 when it is now, and None when it is written already."""
        if after.current_job == before.current_job:
            self._other_job_since = None
        elif self._other_job_since is None:
            self._other_job_since = now
        if after == before:
            return None
        if _turns(after) != _turns(before):
            return 0.0
        dues = []
        if self._other_job_since is not None:
            dues.append(_left_s(self._other_job_since, JOB_S, now))
        if after.model_copy(update={"current_job": before.current_job}) != before:
            dues.append(_left_s(self._wrote_at, PACE_S, now))
        return min(dues)

    def _collect_events(self, obj: Object, before: FractalNamespaceStatus, after: FractalNamespaceStatus) -> None:
        for event in turns(obj, before, after):
            log = logger.warning if event.warning else logger.info
            log("%s", event.message, extra={"world": event.world})
            self._untold.append(build_world_event(event))

    async def _write_events(self) -> None:
        """Events for what turned; that they can't be told now is no reason to stop: the next report tells them."""
        while self._untold:
            try:
                await self._tools.api.create(paths.events(NAMESPACE), self._untold[0])
            except AlreadyExists:
                pass
            except FractalError as error:
                world = self._untold[0]["involvedObject"]["name"]
                logger.warning("an Event could not be written: %s", error, extra={"world": world})
                if isinstance(error, TemporaryError):
                    return
            self._untold.popleft()


def read_status(obj: Object) -> FractalNamespaceStatus:
    """The status that is there; an empty one when it makes no sense."""
    try:
        return FractalNamespaceStatus.model_validate(obj.get("status") or {})
    except ValidationError:
        return FractalNamespaceStatus()


def draining_since(obj: Object) -> float | None:
    """Since when the world is drained, in seconds since 1970, as an operator before this one wrote."""
    found = find_condition(read_status(obj).conditions, Kind.DRAINING)
    if found is None or found.last_transition_time is None or found.status is not ConditionStatus.TRUE:
        return None
    return found.last_transition_time.timestamp()


def turns(obj: Object, before: FractalNamespaceStatus, after: FractalNamespaceStatus) -> list[WorldEvent]:
    """What people should learn: that a world became ready, degraded (for another reason, too), or served its time."""
    found = []
    if before.quarantined_until is not None and after.quarantined_until is None:
        message = "The world's quarantine is over: it gets jobs again."
        found.append(_turn(obj, QUARANTINE_ENDED, message, datetime.now(UTC)))
    for kind, warning in ((Kind.READY, False), (Kind.DEGRADED, True)):
        now, then = find_condition(after.conditions, kind), find_condition(before.conditions, kind)
        if now is None or not holds(after.conditions, kind):
            continue
        if then is not None and holds(before.conditions, kind) and then.reason == now.reason:
            continue
        since = now.last_transition_time or datetime.now(UTC)
        found.append(_turn(obj, now.reason, now.message, since, warning=warning))
    return found


def _turn(obj: Object, reason: str, message: str, since: datetime, *, warning: bool = False) -> WorldEvent:
    world, uid = obj["metadata"]["name"], obj["metadata"]["uid"]
    return WorldEvent(world=world, uid=uid, reason=reason, message=message, since=since, warning=warning)


def _turns(status: FractalNamespaceStatus) -> object:
    """What of a status is written at once."""
    conditions = [(condition.type, condition.status, condition.reason) for condition in status.conditions]
    return conditions, status.observed_generation


def _left_s(since: float, pace_s: float, now: float) -> float:
    """The rest of a pause; none when the clock was set back."""
    left_s = since + pace_s - now
    return left_s if 0 < left_s <= pace_s else 0.0


def _dump(status: FractalNamespaceStatus) -> Object:
    """The status as JSON; what is no longer there is null, since a merge patch leaves alone what it lacks."""
    told = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"currentJob": None, "quarantinedUntil": None, **told}

"""Writes what was decided about a job, and has done what follows: the only hand that writes statuses of jobs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from fractal_api.errors import PermanentError
from fractal_api.jobs import FractalJobStatus
from fractal_operator.adapters.api_errors import ApiAway, Conflict, Forbidden, NotFound
from fractal_operator.core import actions as a
from fractal_operator.core import paths
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import Job, read_job, status_body
from fractal_operator.core.lifecycle import decide
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.ledger import Ledger
from fractal_operator.services.jobs.ports import Hands, Writes

_logger: Final = logging.getLogger(__name__)

BARRED_S: Final = 60.0
"""How long a job is left alone whose status the API server won't take."""

FORBIDDEN_S: Final = 5.0
"""The same, when it says that the operator may not."""

_RACES: Final = 4
"""Times that a stimulus is decided about anew because somebody else wrote meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """A write without an answer: it may have been done."""

    before: Job
    stimulus: s.Stimulus
    status: FractalJobStatus


class Clerk:
    """Does decisions, one at a time."""

    def __init__(self, api: Writes, ledger: Ledger, clock: Clock, hands: Hands, lost: Callable[[Job], None]) -> None:
        self._api = api
        self._ledger = ledger
        self._clock = clock
        self._hands = hands
        self._lost = lost
        self._barred: dict[str, float] = {}
        self._doubts: dict[str, _Doubt] = {}

    async def apply(self, uid: str, stimulus: s.Stimulus) -> bool:
        """Whether the job is now as the stimulus makes it; when it isn't, look at it anew.

        ApiAway says that the status could not be written. A job whose status is refused is left alone for a while.
        """
        try:
            return not self.is_barred(uid) and await self._apply(uid, stimulus)
        except PermanentError as error:
            job = self._ledger.get(uid)
            # What this identity may not do now was forgotten or mistaken by people, who put it right.
            barred_s = FORBIDDEN_S if isinstance(error, Forbidden) else BARRED_S
            self._barred[uid] = self._clock.monotonic() + barred_s
            _logger.error("the status can't be written: %s", error, extra={"job": job.key if job else uid})  # noqa: TRY400
            return False

    def is_barred(self, uid: str) -> bool:
        """Whether the job is left alone."""
        return self._barred.get(uid, 0.0) > self._clock.monotonic()

    def next_at(self) -> float:
        """When a job is left alone no longer; said once."""
        due = min(self._barred.values(), default=float("inf"))
        now = self._clock.monotonic()
        self._barred = {uid: until for uid, until in self._barred.items() if until > now}
        return due

    def bury(self, uid: str) -> None:
        """The job is gone: nothing is to be written any more."""
        self._barred.pop(uid, None)
        self._doubts.pop(uid, None)

    async def _apply(self, uid: str, stimulus: s.Stimulus) -> bool:
        if uid in self._doubts and await self._was_done(uid) == stimulus:
            return True
        for _ in range(_RACES):
            job = self._ledger.get(uid)
            if job is None:
                return False
            try:
                await self._do(job, stimulus)
            except Conflict:
                await self.refresh(job)
                # What came from a run is still true, or is of another attempt by now; all else was a view of the past.
                if not isinstance(stimulus, s.RunStimulus):
                    return False
            except NotFound:
                self._lost(job)
                return False
            else:
                return True
        return False

    async def _was_done(self, uid: str) -> s.Stimulus | None:
        """The stimulus whose write had no answer, if it was done all the same: once is enough."""
        if known := self._ledger.get(uid):
            await self.refresh(known)
        doubt, job = self._doubts.pop(uid, None), self._ledger.get(uid)
        if doubt is None or job is None or job.status != doubt.status:
            return None
        self._hands.written(doubt.before, job, doubt.stimulus)
        return doubt.stimulus

    async def find_out_places(self) -> None:
        """Find out about assignments that had no answer: their worlds may be taken."""
        for uid, doubt in tuple(self._doubts.items()):
            if isinstance(doubt.stimulus, s.Place):
                await self._was_done(uid)

    async def refresh(self, job: Job) -> None:
        """Read the job anew."""
        try:
            fresh = read_job(await self._api.get(job_path(job)))
        except NotFound:
            self._lost(job)
            return
        if fresh.uid == job.uid:
            self._ledger.keep(fresh)
        else:
            self._lost(job)

    def see_off(self, job: Job) -> None:
        """Do what follows from a job's deletion."""
        for action in decide(job, s.Vanish(), self._clock.now()).actions:
            match action:
                case a.CancelRun():
                    self._hands.cancel_run(action)
                case a.ForgetResult():
                    self._hands.forget_result(job, action)
                case _:
                    raise AssertionError(action)

    async def _do(self, job: Job, stimulus: s.Stimulus) -> None:
        for action in decide(job, stimulus, self._clock.now()).actions:
            match action:
                case a.WriteStatus():
                    before, job = job, await self._write(job, action, stimulus)
                    self._hands.written(before, job, stimulus)
                case a.PutRun() | a.Record():
                    pass  # errands and Events follow from the status, whoever wrote it
                case a.CancelRun():
                    self._hands.cancel_run(action)
                case a.DeleteJob():
                    await self._api.delete(job_path(job), uid=job.uid)
                    self._lost(job)
                case a.ForgetResult():
                    self._hands.forget_result(job, action)
                case _:
                    assert_never(action)

    async def _write(self, job: Job, action: a.WriteStatus, stimulus: s.Stimulus) -> Job:
        try:
            fresh = read_job(await self._api.put(f"{job_path(job)}/status", status_body(job, action.status)))
        except ApiAway:
            self._doubts[job.uid] = _Doubt(before=job, stimulus=stimulus, status=action.status)
            raise
        self._ledger.keep(fresh)
        return fresh


def job_path(job: Job) -> str:
    """Where the API server keeps the job."""
    return f"{paths.jobs(job.namespace)}/{job.name}"

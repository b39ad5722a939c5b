"""Writes what was decided about a job, and has done what follows: the only hand that writes statuses of jobs."""

import logging
from collections.abc import Callable
from typing import Final, Protocol, assert_never

from fractal_api.errors import PermanentError
from fractal_operator.adapters.api_errors import Conflict, NotFound
from fractal_operator.core import actions as a
from fractal_operator.core import paths
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import Job, read_job, status_body
from fractal_operator.core.lifecycle import decide
from fractal_operator.core.names import Object
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.ledger import Ledger

_logger: Final = logging.getLogger(__name__)

BARRED_S: Final = 60.0
"""How long a job is left alone whose status the API server won't take."""

_RACES: Final = 4
"""Times that a stimulus is decided about anew because somebody else wrote meanwhile."""


class Writes(Protocol):
    """The part of the API server that statuses need."""

    async def get(self, path: str, **query: str) -> Object:
        """The object at `path`."""
        ...

    async def put(self, path: str, body: Object) -> Object:
        """The object at `path`, replaced."""
        ...

    async def delete(
        self, path: str, *, uid: str | None = None, grace_s: int | None = None, propagation: str | None = None
    ) -> None:
        """Return when it is gone or going."""
        ...


class Hands(Protocol):
    """What follows from a decision, beside the status."""

    def cancel_run(self, action: a.CancelRun) -> None:
        """See to it that the agent hasn't the run."""

    def record(self, job: Job, action: a.Record) -> None:
        """Tell people."""

    def forget_result(self, job: Job, action: a.ForgetResult) -> None:
        """Remove what the store has."""

    def written(self, before: Job, after: Job, stimulus: s.Stimulus) -> None:
        """A status was written."""


class Clerk:
    """Does decisions, one at a time."""

    def __init__(self, api: Writes, ledger: Ledger, clock: Clock, hands: Hands, lost: Callable[[Job], None]) -> None:
        self._api = api
        self._ledger = ledger
        self._clock = clock
        self._hands = hands
        self._lost = lost
        self._barred: dict[str, float] = {}

    async def apply(self, uid: str, stimulus: s.Stimulus) -> bool:
        """Whether the job is now as the stimulus makes it; when it isn't, look at it anew.

        ApiAway says that the status could not be written. A job whose status is refused is left alone for a while.
        """
        try:
            return not self.is_barred(uid) and await self._apply(uid, stimulus)
        except PermanentError as error:
            job = self._ledger.get(uid)
            self._barred[uid] = self._clock.monotonic() + BARRED_S
            _logger.error("the status can't be written: %s", error, extra={"job": job.key if job else uid})  # noqa: TRY400
            return False

    def is_barred(self, uid: str) -> bool:
        """Whether the job is left alone."""
        return self._barred.get(uid, 0.0) > self._clock.monotonic()

    async def _apply(self, uid: str, stimulus: s.Stimulus) -> bool:
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
                    before, job = job, await self._write(job, action)
                    self._hands.written(before, job, stimulus)
                case a.PutRun():
                    pass  # an errand follows from the status, now and after a change of leaders
                case a.CancelRun():
                    self._hands.cancel_run(action)
                case a.Record():
                    self._hands.record(job, action)
                case a.DeleteJob():
                    await self._api.delete(job_path(job), uid=job.uid)
                    self._lost(job)
                case a.ForgetResult():
                    self._hands.forget_result(job, action)
                case _:
                    assert_never(action)

    async def _write(self, job: Job, action: a.WriteStatus) -> Job:
        fresh = read_job(await self._api.put(f"{job_path(job)}/status", status_body(job, action.status)))
        self._ledger.keep(fresh)
        return fresh


def job_path(job: Job) -> str:
    """Where the API server keeps the job."""
    return f"{paths.jobs(job.namespace)}/{job.name}"

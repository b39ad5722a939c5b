"""Does what follows from decisions, beside the status itself: runs to be taken back, Events, figures, forgetting."""

import logging
from typing import Final

from fractal_operator.core import actions as a
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import Job
from fractal_operator.core.lifecycle import ACTIVE, State, state_of
from fractal_operator.core.milestones import records_between
from fractal_operator.services.jobs.archivist import Archivist
from fractal_operator.services.jobs.board import Board
from fractal_operator.services.jobs.placing import Placing
from fractal_operator.services.jobs.slots import Unwanted
from fractal_operator.services.metrics import Metrics
from fractal_operator.services.recorder import Recorder

_logger: Final = logging.getLogger(__name__)


class JobHands:
    """The hands of the scheduler's clerk."""

    def __init__(
        self, board: Board, placing: Placing, archivist: Archivist, recorder: Recorder, metrics: Metrics
    ) -> None:
        self._board = board
        self._placing = placing
        self._archivist = archivist
        self._recorder = recorder
        self._metrics = metrics

    def cancel_run(self, action: a.CancelRun) -> None:
        """See to it that the agent hasn't the run."""
        self._board.slot(action.world).unwanted.setdefault(action.run, Unwanted(message=action.message))

    def noticed(self, before: Job, after: Job) -> None:
        """A job has changed, whoever wrote that: tell people, and see to it that no run goes on which it has left."""
        for record in records_between(before.status, after.status):
            self._recorder.record(after, record)
        if state_of(before.status) not in ACTIVE:
            return
        if state_of(after.status) in ACTIVE and (before.world, before.run) == (after.world, after.run):
            return
        slot = self._board.slot(before.world)
        if slot.facts is None or slot.facts.run != before.run or not slot.facts.settled:
            slot.unwanted.setdefault(before.run, Unwanted(message="its job has left the world"))

    def forget_result(self, job: Job, action: a.ForgetResult) -> None:
        """Remove what the store has; if the run is on, after its end: it would write more."""
        slot = self._board.find(job.world)
        entry = slot.unwanted.get(job.run) if slot else None
        if entry is not None and not entry.ended:
            entry.forget = (job.uid, action.attempts, job.key)
        else:
            self._archivist.forget(job.uid, action.attempts, job.key)

    def written(self, before: Job, after: Job, stimulus: s.Stimulus) -> None:
        """Count and log what a status says now; tell who waits for news of a world."""
        old, new = state_of(before.status), state_of(after.status)
        if old is not new:
            extra = {"job": after.key, "world": after.world or before.world, "run": after.run}
            _logger.info("%s after %s", new, type(stimulus).__name__, extra=extra)
            for world in {before.world, after.world} - {""}:
                self._board.ring(world)
        self._count(after, new, stimulus)

    def _count(self, job: Job, state: State, stimulus: s.Stimulus) -> None:
        match stimulus:
            case s.Place():
                self._placing.forget(job.uid)
                if job.attempt == 1:
                    self._metrics.assigned(max(0.0, (_since(job) - job.arrival.timestamp())))
            case s.Finish() if job.status.completion_time and job.status.start_time:
                self._metrics.ran((job.status.completion_time - job.status.start_time).total_seconds())
            case s.Break() if state is not State.FAILED:
                self._metrics.retried(stimulus.failure.reason)
            case s.Forget() if state is not State.FAILED:
                self._metrics.retried("Interrupted")
            case _:
                pass


def _since(job: Job) -> float:
    """When the job was assigned, as seconds since 1970."""
    assigned = job.condition("Assigned")
    time = assigned.last_transition_time if assigned else None
    return (time or job.arrival).timestamp()

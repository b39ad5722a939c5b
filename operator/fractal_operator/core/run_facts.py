"""What is known of the run that a world has, from agent, event lines and store; and what follows for its job.

Facts are kept until the job's status says what follows from them, so that a write that fails is simply tried again.
"""

from dataclasses import dataclass, replace
from typing import Final

from fractal_api.conditions import JobCondition, JobReason
from fractal_api.jobs import Progress
from fractal_api.storage import ResultRecord
from fractal_operator.core import answers as w
from fractal_operator.core import stimuli as s
from fractal_operator.core.failures import CANCELLED, RESULT_LOST, STORE_AWAY, WORLD_LOST, Failure
from fractal_operator.core.jobs import Job
from fractal_operator.core.lifecycle import State, state_of
from fractal_operator.core.pacing import progress_by_tiles, worth_writing
from fractal_operator.core.refusals import Refusal, refuse

ABSENT_S: Final = 60.0
"""An agent that doesn't answer for this long has lost its run: the job goes elsewhere."""

_ENDING: Final = "its agent has interrupted the run, and is about to end"

HURRIED_S: Final = 5.0
"""The same, when the world's drain deadline has passed: its pods are about to be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of one run at one agent. Times are in seconds of a steady clock.

    `put`: this agent has it. `was_put`: it or an earlier one had it from us. `begun`: the world renders it. `over`: how
    it ended there. `released`: it was taken back, or is not there to be. `unknown`: this agent knows nothing of it.
    `complete`: its agent says that the picture is stored; `record` is what the store says, and the store has the last
    word: `missing` when it has no record, `store_trouble` when it doesn't answer. `refusal`: the agent can't take it.
    """

    run: str
    heard_at: float
    put: bool = False
    was_put: bool = False
    begun: bool = False
    asked: bool = False
    progress: Progress | None = None
    written_at: float = float("-inf")
    held_up: bool = False
    over: w.RunSeen | None = None
    released: bool = False
    unknown: bool = False
    complete: bool = False
    record: ResultRecord | None = None
    missing: bool = False
    store_trouble: str = ""
    store_given_up: bool = False
    refusal: Refusal | None = None

    @property
    def settled(self) -> bool:
        """Whether its agent has nothing more to tell."""
        return self.over is not None or self.released or self.complete or self.record is not None


def next_agent(facts: RunFacts, now: float) -> RunFacts:
    """The facts when another agent answers for the world: only what the store has still holds."""
    return RunFacts(run=facts.run, heard_at=now, was_put=facts.was_put or facts.put, record=facts.record)


def seen(facts: RunFacts, view: w.RunSeen, now: float) -> RunFacts:
    """The facts after the agent told of the run."""
    known = replace(facts, put=True, was_put=True, asked=False, heard_at=now, refusal=None)
    match view.phase:
        case w.Phase.QUEUED:
            return known
        case w.Phase.RENDERING | w.Phase.ASSEMBLING:
            return replace(known, begun=True, progress=_further(facts.progress, view))
        case w.Phase.COMPLETE:
            return replace(known, complete=True)
        case w.Phase.FAILED | w.Phase.CANCELLED:
            return replace(known, over=view)
        case w.Phase.INTERRUPTED:
            # Its agent is about to end, and the next one takes the same run: until then there is nothing to do.
            refusal = refuse(facts.refusal, now, word=view.phase, message=_ENDING, after_s=0.0)
            return replace(known, put=False, refusal=refusal)


def derive_stimulus(
    job: Job, facts: RunFacts, now: float, *, unwanted: str | None, progress_due: bool
) -> s.Stimulus | None:
    """What follows for the job; None when its status says all that is known. `unwanted` says why its run must end."""
    if facts.record is not None:
        return s.Finish(attempt=job.attempt, record=facts.record)
    ending = _ending(job, facts, unwanted)
    if ending is None and unwanted is None and facts.refusal is not None and facts.refusal.ends_at <= now:
        ending = s.Break(attempt=job.attempt, failure=facts.refusal.failure)
    return ending or _standing(job, facts, now, progress_due=progress_due)


def derive_loss(job: Job, absent_s: float, *, gone: bool, hurried: bool, unwanted: str | None) -> s.Stimulus | None:
    """What follows from the silence of the job's agent, or from the end of its world."""
    if not gone and absent_s < (HURRIED_S if hurried else ABSENT_S):
        return None
    what = "was deleted" if gone else f"did not answer for {absent_s:.0f} s"
    if unwanted is not None:
        return s.Release(attempt=job.attempt, message=unwanted)
    return _broken(job, WORLD_LOST, f"world {job.world} {what}")


def _ending(job: Job, facts: RunFacts, unwanted: str | None) -> s.Stimulus | None:
    """What follows when the attempt is over at this agent, for whatever reason but success."""
    if facts.over is not None:
        return _ended(job, facts.over, unwanted)
    if facts.missing:
        return _broken(job, RESULT_LOST, "its world says that it is complete, but the store has no result of it")
    if facts.store_given_up:
        return _broken(job, STORE_AWAY, facts.store_trouble)
    if facts.released or (facts.unknown and unwanted is not None):
        return s.Release(attempt=job.attempt, message=unwanted or "its run was taken back")
    if facts.unknown:
        return s.Forget(attempt=job.attempt, message=f"the agent of world {job.world} is another one than before")
    return None


def _standing(job: Job, facts: RunFacts, now: float, *, progress_due: bool) -> s.Stimulus | None:
    """What the status is to say of a run that is on."""
    state, progress = state_of(job.status), facts.progress or Progress(percent=0, tilesDone=0, tilesTotal=0)
    if facts.begun and state is State.ASSIGNED:
        return s.Advance(attempt=job.attempt, progress=progress)
    running = job.condition(JobCondition.RUNNING)
    stall = _stall(job, facts, now)
    if state is State.ASSIGNED and stall.reason is not None and (running is None or running.reason != stall.reason):
        return stall
    if state is not State.RUNNING:
        return None
    if running is not None and running.reason != (stall.reason or JobReason.RENDERING):
        return stall
    if progress_due and facts.progress is not None and worth_writing(job.status.progress, progress):
        return s.Advance(attempt=job.attempt, progress=progress)
    return None


def _stall(job: Job, facts: RunFacts, now: float) -> s.Stall:
    refusal = facts.refusal
    if refusal is not None and refusal.store_reason is not None and refusal.told_at <= now:
        return s.Stall(attempt=job.attempt, reason=refusal.store_reason, message=refusal.message)
    if facts.store_trouble:
        message = f"its result can't be read yet: {facts.store_trouble}"
        return s.Stall(attempt=job.attempt, reason=JobReason.STORE_AWAY, message=message)
    if facts.held_up:
        message = "rendering waits until the store has taken what is rendered"
        return s.Stall(attempt=job.attempt, reason=JobReason.STORE_BACKPRESSURE, message=message)
    return s.Stall(attempt=job.attempt)


def _ended(job: Job, over: w.RunSeen, unwanted: str | None) -> s.Stimulus:
    if over.phase is w.Phase.FAILED:
        return _broken(job, over.reason, over.message)
    if unwanted is not None:
        return s.Release(attempt=job.attempt, message=unwanted)
    return _broken(job, CANCELLED, "somebody else took the run back")


def _broken(job: Job, word: str, message: str) -> s.Break:
    return s.Break(attempt=job.attempt, failure=Failure(word=word, message=message))


def _further(before: Progress | None, view: w.RunSeen) -> Progress:
    """The progress that the agent tells of, which knows tiles only, unless a line has told more."""
    told = progress_by_tiles(view.tiles_done, view.tiles_total)
    return told if before is None or told.tiles_done > before.tiles_done else before

"""What an event line adds to what is known of a run. Lines are the fast path: an end is asked after, never believed."""

from dataclasses import replace

from fractal_api import events as e
from fractal_api.jobs import Progress
from fractal_operator.core.pacing import progress_of
from fractal_operator.core.run_facts import RunFacts


def heard(facts: RunFacts, event: e.Event, now: float) -> RunFacts:
    """The facts after a line of this run, from its present agent."""
    known = replace(facts, put=True, was_put=True, heard_at=now, refusal=None)
    match event:
        case e.Started():
            return replace(known, begun=True)
        case e.Progress():
            return replace(known, begun=True, progress=_further(known, event))
        case e.Surveyed() | e.Rendered():
            return replace(known, begun=True)
        case e.Backpressure():
            return replace(known, held_up=event.held_up)
        case e.Completed() | e.Failed() | e.Cancelled() | e.Interrupted():
            return replace(known, asked=True)
        case _:
            return known


def tiles_between(before: RunFacts, after: RunFacts) -> int:
    """How many tiles were acknowledged between two states of knowledge."""
    done = after.progress.tiles_done if after.progress else 0
    return max(0, done - (before.progress.tiles_done if before.progress else done))


def _further(facts: RunFacts, event: e.Progress) -> Progress:
    """The later of two progresses: an old line may come again, when a log is read anew."""
    told = progress_of(event)
    return told if facts.progress is None or told.tiles_done >= facts.progress.tiles_done else facts.progress

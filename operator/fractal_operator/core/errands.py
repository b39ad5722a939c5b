"""What a world's agent is to be asked or told next: derived anew each time from what is known, one errand at a time.

Whoever leads anew knows nothing of an agent, asks for its runs, and so comes to the same errands.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from fractal_operator.core import answers as w
from fractal_operator.core.jobs import Job
from fractal_operator.core.run_facts import RunFacts

UNSTARTED_S: Final = 3.0
"""A run that was put and isn't heard to start is asked after, after this long."""

SILENT_S: Final = 15.0
"""A run without an event line is asked after, after this long."""

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of a world's agent; `unwanted` are runs that must end there, whosever they are."""

    inspected: bool
    unwanted: AbstractSet[str] = frozenset()
    job: Job | None = None
    facts: RunFacts | None = None


def plan_errand(situation: Situation, now: float) -> w.Errand | None:
    """The next errand to an agent that can be reached; None when all is as it should be."""
    if not situation.inspected:
        return w.Inspect()
    if situation.unwanted:
        return w.Cancel(run=min(situation.unwanted))
    job, facts = situation.job, situation.facts
    if job is None or facts is None or facts.settled:
        return None
    if not facts.put:
        return build_put(job)
    return w.Ask(run=job.run) if facts.asked or now >= ask_at(facts) else None


def ask_at(facts: RunFacts) -> float:
    """When a silent run is asked after."""
    return facts.heard_at + (SILENT_S if facts.begun else UNSTARTED_S)


def pause_s(failures: int) -> float:
    """How long an agent that gave no answer so many times in a row is left alone."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 10)) if failures else 0.0


def build_put(job: Job) -> w.Put:
    """The errand that gives an agent the job's run; only what defines the picture goes along."""
    picture = {part: value for part, value in job.manifest_spec.items() if part != "execution"}
    ttl_s = job.spec.execution.ttl_seconds_after_finished if job.spec else None
    return w.Put(run=job.run, attempt=job.attempt, spec=picture, ttl_s=ttl_s)

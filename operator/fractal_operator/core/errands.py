"""What a world's agent is to be asked or told next: derived anew each time from what is known, one errand at a time.

Whoever leads anew knows nothing of an agent, asks for its runs, and so comes to the same errands.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from fractal_operator.core import answers as w
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.jobs import Job
from fractal_operator.core.run_facts import RunFacts

UNSTARTED_S: Final = 3.0
"""A run that was put and isn't heard to start is asked after, after this long."""

SILENT_S: Final = 15.0
"""A run without an event line is asked after, after this long."""

SHORTEST_EXPIRY_S: Final = 3600
"""The store keeps every picture so long: its job must be seen to be complete, maybe by the next leader, and then its
deletion removes the picture anyway."""

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of a world's agent; `unwanted` are runs that must end there, whosever they are.

    `silent`: it did not answer the last time, or not in a way that makes sense. `unheard` is a job whose run must end
    though the agent has never heard of it.
    """

    inspected: bool
    silent: bool = False
    unwanted: AbstractSet[str] = frozenset()
    unheard: Job | None = None
    job: Job | None = None
    facts: RunFacts | None = None


def plan_errand(situation: Situation, now: float) -> w.Errand | None:
    """The next errand to an agent that can be reached; None when all is as it should be."""
    if not situation.inspected:
        return w.Inspect()
    if situation.unheard is not None:
        return build_put(situation.unheard)
    if situation.unwanted:
        return w.Cancel(run=min(situation.unwanted))
    if situation.silent:
        return w.Inspect()
    job, facts = situation.job, situation.facts
    if job is None or facts is None or now < errand_at(facts):
        return None
    return w.Ask(run=job.run) if facts.put else build_put(job)


def errand_at(facts: RunFacts) -> float:
    """When the run itself is the next errand: it is put, or asked after since it is silent."""
    if facts.settled:
        return float("inf")
    if not facts.put:
        return facts.refusal.again_at if facts.refusal else float("-inf")
    return float("-inf") if facts.asked else facts.heard_at + (SILENT_S if facts.begun else UNSTARTED_S)


def pause_s(failures: int) -> float:
    """How long an agent that gave no answer so many times in a row is left alone."""
    return delay_s(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)


def build_put(job: Job) -> w.Put:
    """The errand that gives an agent the job's run; only what defines the picture goes along."""
    picture = {part: value for part, value in job.manifest_spec.items() if part != "execution"}
    ttl_s = job.spec.execution.ttl_seconds_after_finished if job.spec else None
    expiry_s = None if ttl_s is None else max(ttl_s, SHORTEST_EXPIRY_S)
    return w.Put(run=job.run, attempt=job.attempt, spec=picture, ttl_s=expiry_s)

"""What it means that an agent can't take a run now: the job says so soon, and goes elsewhere when it lasts.

An agent that answers all else is not absent, so its silence doesn't bound this: the first refusal does.
"""

from dataclasses import dataclass
from typing import Final

from fractal_api.conditions import JobReason
from fractal_operator.core.backoff import delay_s
from fractal_operator.core.failures import AGENT_REFUSES, KNOWN_WORDS, STORE_REASONS, Failure

TOLD_S: Final = 3.0
"""Trouble with the store that is over within this time is not told of."""

STORE_LIMIT_S: Final = 600.0
"""How long a run waits for an agent whose store takes nothing: another world has the same store."""

LIMIT_S: Final = 60.0
"""The same, for any other trouble."""

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A run was not taken, `count` times in a row since `since`; it is put again at `again_at`.

    Times are in seconds of a steady clock. `word` is the agent's; empty when it gave no answer to the run at all.
    """

    since: float
    again_at: float
    word: str
    message: str
    count: int = 1

    @property
    def failure(self) -> Failure:
        """What it is called when it lasts."""
        return Failure(word=self.word if self.word in KNOWN_WORDS else AGENT_REFUSES, message=self.message)

    @property
    def store_reason(self) -> JobReason | None:
        """What the job says while it waits for a store; None when it is something else."""
        reason = self.failure.reason
        return reason if reason in STORE_REASONS else None

    @property
    def ends_at(self) -> float:
        """When the job goes elsewhere."""
        return self.since + (STORE_LIMIT_S if self.store_reason else LIMIT_S)

    @property
    def told_at(self) -> float:
        """When the job says so."""
        return self.since + TOLD_S


def refuse(before: Refusal | None, now: float, *, word: str, message: str, after_s: float) -> Refusal:
    """The refusal after one more; each pause is twice as long as the one before."""
    count = before.count + 1 if before else 1
    pause_s = min(LONGEST_PAUSE_S, max(after_s, delay_s(count, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)))
    since = before.since if before else now
    return Refusal(since=since, again_at=now + pause_s, word=word, message=message, count=count)

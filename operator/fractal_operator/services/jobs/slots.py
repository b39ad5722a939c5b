"""Every world, as the job side knows it: what came by the board, what its agent said, and what is asked of it just now.

A slot's memory is never the truth: a new leader starts with none, asks the agent, and knows the same.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fractal_operator.core import quarantine
from fractal_operator.core.errands import errand_at, pause_s
from fractal_operator.core.placement import Place
from fractal_operator.core.run_facts import ABSENT_S, HURRIED_S, RunFacts, next_agent
from fractal_operator.core.worlds import AgentRef, Quarantine, WorldView

REINSPECT_S: Final = 3600.0
"""So often each agent is asked for all its runs."""

TROUBLE_S: Final = 5.0
"""An agent that doesn't answer for so long keeps its world from being called busy."""

_SEEN_S: Final = 1.0


@dataclass(slots=True, kw_only=True)
class Unwanted:
    """A run that must end at the world's agent, and why; `ended` when the agent has said so.

    `unknown`: the agent has never heard of it, but another leader's order may be on its way; it is given the run first,
    so that its id is final once it is taken back. `sealed`: that was done, or can't be. `forget` is the uid, the
    attempts and the name of a deleted job, whose stored tiles go then.
    """

    message: str
    ended: bool = False
    unknown: bool = False
    sealed: bool = False
    forget: tuple[str, int, str] | None = None


@dataclass(slots=True, kw_only=True)
class Slot:
    """One world. Times are in seconds of a steady clock."""

    name: str
    absent_since: float | None
    view: WorldView | None = None
    gone: bool = False
    inspected: bool = False
    inspected_at: float = 0.0
    epoch: int = 0
    iterations: int = 0
    facts: RunFacts | None = None
    unwanted: dict[str, Unwanted] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    hurried: bool = False
    reserved: str = ""
    idle_since: float = 0.0
    silences: int = 0
    trouble: str = ""
    rest_until: float = 0.0
    errand: asyncio.Task[None] | None = None
    failures: tuple[float, ...] = ()
    quarantine: Quarantine | None = None

    @property
    def agent(self) -> AgentRef | None:
        """Where its agent answers, if it does."""
        return None if self.view is None or self.gone else self.view.agent

    @property
    def incarnation(self) -> str:
        """The name of its present agent; empty when there is none."""
        return self.agent.incarnation if self.agent else ""

    def speaks_of_now(self, incarnation: str) -> bool:
        """Whether something that this agent said is about the present: its successor has none of its memory."""
        return bool(incarnation) and incarnation == self.incarnation

    def see(self, view: WorldView, now: float) -> None:
        """Take notice of the world; another agent knows nothing of what the one before knew."""
        before = self.incarnation
        self.view, self.gone = view, False
        if self.agent is None:
            self.absent_since = now if self.absent_since is None else self.absent_since
        elif self.incarnation != before:
            self.inspected, self.silences, self.rest_until, self.absent_since = False, 0, 0.0, None
            self.epoch, self.iterations = 0, 0
            if self.facts is not None:
                self.facts = next_agent(self.facts, now)
                if self.facts.run in self.unwanted:
                    self.unwanted[self.facts.run].ended = False

    def grow_doubtful(self, now: float) -> None:
        """Have its agent asked for its runs from time to time: there may be one that nobody wants."""
        if self.inspected and now - self.inspected_at >= REINSPECT_S:
            self.inspected = False

    def answered(self) -> None:
        """Its agent has answered."""
        self.silences, self.rest_until, self.absent_since = 0, 0.0, None

    def spoke(self) -> None:
        """A line of its present agent about its run came: that one is there, unless it must end and doesn't."""
        if not self.has_to_end:
            self.silences, self.absent_since = 0, None

    @property
    def has_to_end(self) -> bool:
        """Whether there is a run that must end here and hasn't."""
        return any(not entry.ended for entry in self.unwanted.values())

    def silent(self, now: float, trouble: str) -> None:
        """Its agent has not answered, or not in a way that makes sense."""
        self.silences, self.trouble = self.silences + 1, trouble
        self.rest_until = now + pause_s(self.silences)
        self.absent_since = now if self.absent_since is None else self.absent_since

    def failed(self, now: float, today: datetime, message: str) -> None:
        """A job failed on it, by its own fault."""
        self.failures = (*quarantine.recent(self.failures, now), now)
        self.quarantine = quarantine.judge(self.failures, now, today, message) or self.quarantine
        if self.quarantine:
            self.failures = ()

    def resume_quarantine(self, today: datetime) -> bool:
        """Whether its status says that it is in quarantine, and nobody here knew."""
        if self.quarantine is None and self.view is not None:
            self.quarantine = quarantine.resume(self.view.quarantine, today)
            return self.quarantine is not None
        return False

    def pardon(self) -> bool:
        """Whether something stood against it, which doesn't any more."""
        stood = self.quarantine is not None or bool(self.failures)
        self.failures, self.quarantine = (), None
        return stood

    def end_of_quarantine(self, today: datetime) -> bool:
        """Whether its quarantine ended just now."""
        over = self.quarantine is not None and self.quarantine.ends_at <= today
        if over:
            self.quarantine = None
        return over

    def place(self, now: float, *, taken: bool) -> Place | None:
        """The world as placing sees it."""
        if self.view is None or self.gone:
            return None
        free = (
            not (taken or self.reserved or self.unwanted or self.doubtful)
            and self.inspected
            and self.silences == 0
            and self.agent is not None
        )
        return Place(
            view=self.view,
            free=free,
            quarantine=self.quarantine,
            trouble=f"can't be used: {self.trouble}" if self._is_absent(now) else "",
            idle_since=self.idle_since,
            troubles=len(quarantine.recent(self.failures, now)),
        )

    def _is_absent(self, now: float) -> bool:
        """Whether its agent hasn't answered for so long that people may want to know."""
        return self.silences > 0 and self.absent_since is not None and now - self.absent_since >= TROUBLE_S

    def next_at(self, now: float, today: datetime) -> float:
        """When time alone may change something here."""
        times = [now + (self.quarantine.ends_at - today).total_seconds()] if self.quarantine else []
        if self.absent_since is not None and self.facts is not None:
            times.append(self.absent_since + (HURRIED_S if self.hurried else ABSENT_S))
        if self.facts is not None and (refusal := self.facts.refusal) is not None:
            # What fell due a moment ago may not have been seen yet; what did so earlier was.
            times += [at for at in (refusal.told_at, refusal.ends_at) if at > now - _SEEN_S]
        if self.agent is not None and self.errand is None:  # an errand that is on wakes whoever waits when it ends
            times.append(max(self.rest_until, self._errand_at()))
        return min(times, default=float("inf"))

    def _errand_at(self) -> float:
        """When there is something to ask or tell its agent."""
        if self.silences or not self.inspected or self.has_to_end:
            return float("-inf")
        return float("inf") if self.facts is None else errand_at(self.facts)

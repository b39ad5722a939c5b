"""What the side that keeps worlds and the side that places jobs tell each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fractal_api.metadata import LabelSelector


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRef:
    """Where a world's agent answers. `incarnation` is its pod's uid: another one means that its memory is gone."""

    url: str
    token: str = field(repr=False)
    incarnation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """A world gets no job for a while: too many of them failed on it. `message` ends the sentence "the world …"."""

    ends_at: datetime
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldView:
    """A world, as far as placing jobs needs it.

    `takes_runs` is False while it starts, drains, has a rollout pending or is paused; `why_not` then ends the sentence
    "the world …". `agent` is known whenever the master pod answers, whether or not the world takes new runs.
    `quarantine` is what the world's status has, from an earlier leader perhaps.
    """

    name: str
    uid: str
    labels: Mapping[str, str]
    allowed_namespaces: LabelSelector | None
    takes_runs: bool
    why_not: str = ""
    agent: AgentRef | None = None
    quarantine: Quarantine | None = None


class WorldBoard(Protocol):
    """The job side, as the world side sees it. Calls return at once; effects come from the scheduler's task."""

    async def listed(self) -> None:
        """Return when every job is known; before that, what `job_on` says of a world means nothing."""
        ...

    def put_world(self, view: WorldView) -> None:
        """Take notice of a world, or of its change."""
        ...

    def drop_world(self, name: str) -> None:
        """Forget a world that is gone: a run on it counts as interrupted."""
        ...

    def job_on(self, name: str) -> str | None:
        """The job that is assigned to the world, as namespace/name; None when it is free."""
        ...

    def interrupt(self, name: str, message: str) -> None:
        """Take the world's run back, uncounted, and let its job go elsewhere: a drain's deadline has passed."""
        ...

    def quarantine_of(self, name: str) -> Quarantine | None:
        """Why the world gets no job for now; None when nothing stands against it."""
        ...

    def lift_quarantine(self, name: str) -> None:
        """Hold nothing against the world any more: a person vouches for it."""
        ...

    async def changed(self, name: str) -> None:
        """Return when what `job_on` or `quarantine_of` say of the world has changed since the call before."""
        ...

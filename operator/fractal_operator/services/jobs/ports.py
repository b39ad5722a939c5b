"""What the clerk works with: the API server, and the hands for all that follows from a status."""

from typing import Protocol

from fractal_operator.core import actions as a
from fractal_operator.core import stimuli as s
from fractal_operator.core.jobs import Job
from fractal_operator.core.names import Object


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

    def forget_result(self, job: Job, action: a.ForgetResult) -> None:
        """Remove what the store has."""

    def written(self, before: Job, after: Job, stimulus: s.Stimulus) -> None:
        """A status was written."""

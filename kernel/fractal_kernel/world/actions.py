"""What the schedule hears, and what it wants done: frozen values both ways."""

from collections.abc import Iterable
from dataclasses import dataclass

from fractal_kernel import wire
from fractal_kernel.world import orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A rank reported the outcome of a task; `data` is what came with it, cut into its parts."""

    rank: int
    outcome: orders.Outcome
    data: tuple[wire.Blob, ...] = ()


Stimulus = wire.ToWorld | Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Give:
    """Send an order to a rank; for rank 0, obey it."""

    rank: int
    order: orders.Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Note that these tiles are handed out to be rendered; before they are."""

    tiles: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Say something to the agent."""

    message: wire.ToAgent


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """End the world in order."""


Action = Give | Record | Tell | End


def own_last(actions: Iterable[Action]) -> list[Action]:
    """The actions in the order in which rank 0 does them: what is for others first, and then what it is to do itself.

    Once its own kernel thread has work, it shares the interpreter with the thread that sends.
    """
    return sorted(actions, key=lambda action: isinstance(action, Give) and action.rank == 0)

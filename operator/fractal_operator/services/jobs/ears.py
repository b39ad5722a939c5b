"""Keeps what event lines tell of runs and worlds: lines of other runs, agents and epochs are passed over."""

from fractal_api import events as e
from fractal_operator.core.failures import Failure
from fractal_operator.core.run_news import heard, tiles_between
from fractal_operator.services.jobs.archivist import Archivist
from fractal_operator.services.jobs.board import Board
from fractal_operator.services.jobs.clock import Clock
from fractal_operator.services.jobs.slots import Slot
from fractal_operator.services.metrics import Metrics


class Ears:
    """Hears the lines of all agents."""

    def __init__(self, board: Board, archivist: Archivist, metrics: Metrics, clock: Clock) -> None:
        self._board = board
        self._archivist = archivist
        self._metrics = metrics
        self._clock = clock

    def hear(self, world: str, incarnation: str, event: e.Event) -> None:
        """A line of the agent that is called so."""
        slot = self._board.find(world)
        if slot is None or not slot.speaks_of_now(incarnation):
            return
        if isinstance(event, e.RunEvent):
            self._of_run(slot, event)
        else:
            self._of_world(slot, event)

    def _of_run(self, slot: Slot, event: e.Event) -> None:
        job, facts = self._board.current(slot), slot.facts
        if job is None or facts is None or facts.run != getattr(event, "run", ""):
            return
        if isinstance(event, e.Started):
            if event.epoch < slot.epoch:
                return
            slot.epoch = event.epoch
        slot.facts = heard(facts, event, self._clock.monotonic())
        slot.spoke()
        self._metrics.rendered(tiles=tiles_between(facts, slot.facts))
        match event:
            case e.Completed():
                self._archivist.read(job)
            case e.Retried():
                self._metrics.retried(Failure(word=event.cause, message=event.message).reason)
            case _:
                pass
        self._board.wake()

    def _of_world(self, slot: Slot, event: e.Event) -> None:
        match event:
            case e.Ready() | e.Lost():
                self._enter(slot, event.epoch)
            case e.Heartbeat() if event.epoch >= slot.epoch:
                self._enter(slot, event.epoch)
                self._metrics.rendered(iterations=max(0, event.iterations - slot.iterations))
                slot.iterations = max(slot.iterations, event.iterations)
            case _:
                pass

    def _enter(self, slot: Slot, epoch: int) -> None:
        """A later epoch counts its iterations from nothing."""
        if epoch > slot.epoch:
            slot.epoch, slot.iterations = epoch, 0

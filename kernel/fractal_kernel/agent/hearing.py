"""What a world says and does, told to the machines that decide and to those who look on."""

import time
from typing import TYPE_CHECKING, Protocol

from fractal_kernel import wire
from fractal_kernel.agent import notices as n
from fractal_kernel.agent import stimuli as s
from fractal_kernel.agent import worlds as w
from fractal_kernel.agent.phases import RunView

if TYPE_CHECKING:
    from fractal_kernel.agent.performer import Performer
    from fractal_kernel.agent.surroundings import Surroundings


class Machines(Protocol):
    """Who decides."""

    @property
    def epoch(self) -> int:
        """The name of the present world."""

    def feed(self, stimulus: s.Stimulus) -> None:
        """This happened to a run."""

    def drive(self, stimulus: w.Stimulus) -> None:
        """This happened to the world."""

    def view(self, run: str) -> RunView | None:
        """A run, if it is known."""


class Hearing:
    """The ears of an agent (`world.Ears`)."""

    def __init__(self, around: "Surroundings", machines: Machines, hands: "Performer") -> None:
        self._around = around
        self._machines = machines
        self._hands = hands

    def heard(self, epoch: int, message: wire.ToAgent) -> None:
        """A world said this."""
        match message:
            case wire.Ready():
                self._around.tell(n.WorldUp(epoch=epoch, hosts=message.hosts, pids=message.pids))
                self._machines.drive(w.Hello(epoch=epoch, ranks=message.ranks))
            case wire.Heartbeat():
                self._machines.drive(w.Heard(epoch=epoch, silent_s=[beat.silent_s for beat in message.ranks]))
                self._around.tell(n.WorldBeat(epoch=epoch, beats=message.ranks))
            case _ if epoch == self._machines.epoch:
                self._heard_of_run(epoch, message)

    def faulted(self, epoch: int, cause: w.Cause, message: str) -> None:
        """A world can't be used any more, or could not be started."""
        self._machines.drive(w.Fault(epoch=epoch, cause=cause, message=message))

    def said(self, line: str) -> None:
        """A rank, or mpirun, wrote a line."""
        self._around.tell(n.Said(line=line))

    def waits(self, what: str, message: str) -> None:
        """The start waits for something."""
        self._around.tell(n.Waiting(what=what, message=message))

    def _heard_of_run(self, epoch: int, message: wire.ToAgent) -> None:
        match message:
            case wire.Surveyed():
                self._surveyed(epoch, message)
            case wire.Tiles():
                self._tiles(epoch, message)
            case wire.Rendered() | wire.Cancelled():
                self._machines.feed(s.WorldFree(epoch=epoch, run=message.run))
            case wire.Failed():
                self._machines.feed(s.WorldRefused(epoch=epoch, run=message.run, message=message.reason))

    def _surveyed(self, epoch: int, message: wire.Surveyed) -> None:
        if run := self._machines.view(message.run):
            self._hands.pace(message.run).surveyed(run, message.work, time.monotonic())
        self._around.tell(n.Surveyed(run=message.run, max_iterations=message.max_iterations))
        self._machines.feed(s.Surveyed(epoch=epoch, run=message.run, max_iterations=message.max_iterations))

    def _tiles(self, epoch: int, batch: wire.Tiles) -> None:
        self._hands.pace(batch.run).rendered(batch.work)
        self._around.tell(n.TilesCame(batch=batch))
        self._machines.feed(s.TilesCame(epoch=epoch, run=batch.run, tiles=batch.tiles))

"""The loop of rank 0: hears the agent and the ranks, asks the schedule, and does what it says. It renders too."""

import select
import time
from typing import TYPE_CHECKING, Final, assert_never

from fractal_kernel import wire
from fractal_kernel.world import orders
from fractal_kernel.world.actions import Action, End, Give, Record, Reported, Tell, own_last
from fractal_kernel.world.exchange import Exchange
from fractal_kernel.world.kernel import Kernel
from fractal_kernel.world.pace import Pace, State
from fractal_kernel.world.pulses import Pulses
from fractal_kernel.world.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _typeshed import HasFileno
    from mpi4py import MPI

    from fractal_kernel.world.bells import Bells
    from fractal_kernel.world.ledger import Ledger
    from fractal_kernel.world.link import Link

OUTGOING: Final = 16 << 20
"""Bytes that may wait for the agent before no more are taken from the ranks, whose next tasks then wait."""

DRAIN_S: Final = 2.0
"""How long ranks may take to hear that the world ends."""


class Root:
    """Rank 0 of a world, which serves the agent at the other end of the link."""

    def __init__(self, comm: "MPI.Intracomm", bells: "Bells", link: "Link", ledger: "Ledger", *, called: bool) -> None:
        self._bells = bells
        self._exchange: Exchange[orders.Order, orders.Report] = Exchange(comm, bells)
        self._kernel = Kernel(rank=0, ranks=comm.size)
        self._schedule = Schedule(comm.size)
        self._pulses = Pulses(comm.size, time.monotonic())
        self._pace = Pace(called=called)
        self._link = link
        self._ledger = ledger
        self._callers: Sequence[HasFileno] = (self._kernel, self._link, self._bells)
        self._ranks = range(comm.size)
        self._ended = False

    def serve(self, ready: wire.Ready) -> None:
        """Works until the agent says to end, or is gone."""
        try:
            self._link.send(ready)
            moved = True
            while not self._ended:
                moved = self._look(self._sleep(moved=moved))
        finally:
            self._dismiss()

    @property
    def _state(self) -> State:
        if self._exchange.moving:
            return State.MOVING
        if self._schedule.idle:
            return State.IDLE
        return State.BUSY if self._schedule.saturated else State.EXPECTING

    def _sleep(self, *, moved: bool) -> "Sequence[HasFileno]":
        """Sleeps until somebody calls, or it is time to look; who called."""
        longest_s = self._pace.sleep_s(self._state, moved=moved, batch_s=self._kernel.batch_s)
        writers = [self._link] if self._link.unsent else []
        # select, since poll would round up to milliseconds
        return select.select(self._callers, writers, [], longest_s)[0]

    def _look(self, ready: "Sequence[HasFileno]") -> bool:
        """One look at everything; whether there was anything."""
        if self._bells in ready:
            self._bells.hush()
        if self._kernel in ready:
            self._kernel.hush()
        moved = self._link.flush()
        for stimulus in self._stimuli(heard=self._link in ready):
            moved = True
            for action in own_last(self._schedule.handle(stimulus)):
                self._do(action)
        if (beats := self._pulses.due(time.monotonic(), self._kernel.pulse)) is not None:
            self._link.send(beats)
        return moved

    def _stimuli(self, *, heard: bool) -> "Iterator[wire.ToWorld | Reported]":
        if heard:
            yield from self._link.receive()
        while self._room > 0 and (answer := self._kernel.take()) is not None:
            yield Reported(rank=0, outcome=answer[0], data=answer[1])
        for parcel in self._exchange.receive(self._room):
            self._pulses.heard(parcel.source, time.monotonic())
            if isinstance(parcel.message, orders.Pulse):
                self._pulses.felt(parcel.source, parcel.message)
            else:
                yield Reported(rank=parcel.source, outcome=parcel.message, data=parcel.data)

    @property
    def _room(self) -> int:
        return OUTGOING - self._link.unsent

    def _do(self, action: Action) -> None:
        match action:
            case Give(rank=0):
                self._kernel.obey(action.order)
            case Give():
                self._exchange.send(action.rank, action.order)
            case Record():
                self._ledger.handed_out(action.tiles)
            case Tell():
                self._link.send(action.message)
            case End():
                self._ended = True
            case _:
                assert_never(action)

    def _dismiss(self) -> None:
        """Tells every other rank to end."""
        for rank in self._ranks[1:]:
            self._exchange.send(rank, orders.Quit())
        self._kernel.close()
        deadline = time.monotonic() + DRAIN_S
        while self._exchange.leaving and time.monotonic() < deadline:
            self._exchange.receive()
            time.sleep(0.001)

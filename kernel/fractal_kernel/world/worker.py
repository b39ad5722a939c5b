"""The loop of every rank but 0: orders in, reports out, and a pulse."""

import select
import time
from typing import TYPE_CHECKING

from fractal_kernel.world import orders
from fractal_kernel.world.exchange import Exchange
from fractal_kernel.world.kernel import Kernel
from fractal_kernel.world.pace import Pace, State
from fractal_kernel.world.pulses import PULSE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import HasFileno
    from mpi4py import MPI

    from fractal_kernel.world.bells import Bells


class Worker:
    """A rank that does what rank 0 says, until it says to end. `called` says that rank 0 can ring at it."""

    def __init__(self, comm: "MPI.Intracomm", bells: "Bells", *, called: bool) -> None:
        self._bells = bells
        self._exchange: Exchange[orders.Report, orders.Order] = Exchange(comm, bells)
        self._kernel = Kernel(rank=comm.rank, ranks=comm.size)
        self._callers: Sequence[HasFileno] = (self._kernel, self._bells)
        self._pace = Pace(called=called)
        self._next_pulse = time.monotonic() + PULSE_S
        self._ended = False

    def serve(self) -> None:
        """Works until rank 0 says to end."""
        moved = True
        while not self._ended:
            sleep_s = self._pace.sleep_s(self._state, moved=moved, batch_s=self._kernel.batch_s)
            # select, since poll would round up to milliseconds
            ready, _, _ = select.select(self._callers, [], [], sleep_s)
            if self._bells in ready:
                self._bells.hush()
            moved = self._obey()
            moved |= self._kernel in ready and self._report()
            self._pulse()

    @property
    def _state(self) -> State:
        if self._exchange.moving:
            return State.MOVING
        return State.BUSY if self._kernel.tasks else State.IDLE

    def _obey(self) -> bool:
        """Does what rank 0 said; whether it said anything."""
        parcels = self._exchange.receive()
        for parcel in parcels:
            self._kernel.obey(parcel.message)
            self._ended |= isinstance(parcel.message, orders.Quit)
        return bool(parcels)

    def _report(self) -> bool:
        """Sends what the kernel thread has done; whether it has done anything."""
        self._kernel.hush()
        answered = False
        while (answer := self._kernel.take()) is not None:
            self._exchange.send(0, *answer)
            answered = True
        return answered

    def _pulse(self) -> None:
        now = time.monotonic()
        if now >= self._next_pulse:
            self._next_pulse = now + PULSE_S
            self._exchange.send(0, self._kernel.pulse)

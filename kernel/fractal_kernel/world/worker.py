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
    from mpi4py import MPI


class Worker:
    """A rank that does what rank 0 says, until it says to end."""

    def __init__(self, comm: "MPI.Intracomm") -> None:
        self._exchange: Exchange[orders.Report, orders.Order] = Exchange(comm)
        self._kernel = Kernel(rank=comm.rank, ranks=comm.size)
        self._pace = Pace()
        self._next_pulse = time.monotonic() + PULSE_S
        self._ended = False

    def serve(self) -> None:
        """Works until rank 0 says to end."""
        while not self._ended:
            moved = self._look()
            state = State.BUSY if self._kernel.tasks else State.IDLE
            sleep_s = self._pace.sleep_s(state, moved=moved, batch_s=self._kernel.batch_s)
            select.select([self._kernel.wake_fd], [], [], sleep_s)  # poll would round up to milliseconds

    def _look(self) -> bool:
        """One look at everything; whether there was anything."""
        parcels = self._exchange.receive()
        for parcel in parcels:
            self._kernel.obey(parcel.message, parcel.data)
            self._ended |= isinstance(parcel.message, orders.Quit)
        self._kernel.clear_wake()
        answered = False
        while (answer := self._kernel.take()) is not None:
            self._exchange.send(0, *answer)
            answered = True
        self._pulse()
        return bool(parcels) or answered

    def _pulse(self) -> None:
        now = time.monotonic()
        if now >= self._next_pulse:
            self._next_pulse = now + PULSE_S
            self._exchange.send(0, self._kernel.pulse)

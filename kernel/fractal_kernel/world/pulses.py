"""When each rank was last heard, for the agent's heartbeat: whoever is silent for long is hung. Pure."""

from typing import Final

from fractal_kernel.wire import Beat, Heartbeat
from fractal_kernel.world.orders import Pulse

PULSE_S: Final = 5.0
"""Every rank says so often that its main thread is alive."""

NOTHING: Final = Pulse(iterations=0, batches=0, busy=False)


class Pulses:
    """What rank 0 knows of the ranks' lives. Times are monotonic, in seconds."""

    def __init__(self, ranks: int, now: float) -> None:
        self._heard = [now] * ranks
        self._pulses = [NOTHING] * ranks
        self._next = now

    def heard(self, rank: int, now: float) -> None:
        """A rank's main thread said something."""
        self._heard[rank] = now

    def felt(self, rank: int, pulse: Pulse) -> None:
        """A rank said how it is."""
        self._pulses[rank] = pulse

    def due(self, now: float, own: Pulse) -> Heartbeat | None:
        """The heartbeat, when it is time for one; `own` is how rank 0 is."""
        if now < self._next:
            return None
        self._next = now + PULSE_S
        self.heard(0, now)
        self.felt(0, own)
        return Heartbeat(
            ranks=tuple(
                Beat(
                    rank=rank,
                    iterations=pulse.iterations,
                    batches=pulse.batches,
                    busy=pulse.busy,
                    silent_s=max(0.0, now - heard),
                )
                for rank, (pulse, heard) in enumerate(zip(self._pulses, self._heard, strict=True))
            )
        )

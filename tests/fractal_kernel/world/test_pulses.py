"""Who is alive, as the agent hears it."""

from fractal_kernel.wire import Beat
from fractal_kernel.world.orders import Pulse
from fractal_kernel.world.pulses import PULSE_S, Pulses

OWN = Pulse(iterations=1, batches=2, busy=True)


def test_the_first_heartbeat_is_due_at_once_and_the_next_after_five_seconds() -> None:
    pulses = Pulses(1, now=100.0)
    assert pulses.due(100.0, OWN) is not None
    assert pulses.due(100.0 + PULSE_S - 0.1, OWN) is None
    assert pulses.due(100.0 + PULSE_S, OWN) is not None


def test_a_heartbeat_says_how_each_rank_was_and_for_how_long_it_has_been_silent() -> None:
    pulses = Pulses(3, now=100.0)
    pulses.felt(1, Pulse(iterations=10, batches=20, busy=False))
    pulses.heard(1, 104.0)
    beats = pulses.due(110.0, OWN)
    assert beats is not None
    assert beats.ranks == (
        Beat(rank=0, iterations=1, batches=2, busy=True, silent_s=0.0),
        Beat(rank=1, iterations=10, batches=20, busy=False, silent_s=6.0),
        Beat(rank=2, iterations=0, batches=0, busy=False, silent_s=10.0),
    )

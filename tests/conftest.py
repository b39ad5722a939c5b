"""What holds for every test, on whatever machine and however it was started."""

import os
import signal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

HERE: Final = Path(__file__).parent
ALONE: Final = (
    "fractal_kernel/agent/test_session.py",
    "fractal_kernel/hosts/test_hosts.py",
    "fractal_kernel/store/test_kills.py",
    "fractal_kernel/test_cli_render.py",
    "fractal_kernel/test_grid_stop.py",
    "fractal_kernel/test_legacy_stop.py",
    "fractal_kernel/world/test_world.py",
    "fractal_kernel/world/test_world_faults.py",
    "fractal_operator/services/test_elector.py",
    "soak/test_kills.py",
    "soak/test_redis_faults.py",
    "soak/test_render_by_ranks.py",
    "soak/test_superseded.py",
)
"""Tests that start worlds of processes, measure times, or look at what is left on the machine: `make unit` runs them
one after the other, and all others side by side. soak/test_stops.py and hosts/test_world_on_two_hosts.py start worlds
too, but wait for most of their time, and meet no other world there."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    alone = [HERE / place for place in ALONE]
    for item in items:
        if any(place in (item.path, *item.path.parents) for place in alone):
            item.add_marker(pytest.mark.alone)


# It hides what goes wrong in Python's last flush, and whoever runs a program by hand doesn't have it.
os.environ.pop("PYTHONUNBUFFERED", None)

# Property tests have no deadline of their own, since a machine may be busy.
settings.register_profile("house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# nohup, or a shell's `&`, leaves these signals ignored to all that it starts. The programs under test respect that, as
# they should; the tests want them as a terminal would have them.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

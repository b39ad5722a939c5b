"""What holds for every test, on whatever machine and however it was started."""

import signal

from hypothesis import HealthCheck, settings

# Property tests have no deadline of their own, since a machine may be busy.
settings.register_profile("house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# nohup, or a shell's `&`, leaves these signals ignored to all that it starts. The programs under test respect that, as
# they should; the tests want them as a terminal would have them.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

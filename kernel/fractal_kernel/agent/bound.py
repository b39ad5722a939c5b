"""Becomes another program that dies with its parent: `python bound.py PARENT PROGRAM ARGUMENT…`.

The kernel sends SIGKILL to mpirun when the agent dies, however it dies: no world outlives its agent. A file of its own,
run without our packages, since it must start fast and between fork and exec nothing may be imported.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def main(arguments: list[str]) -> None:
    """Never returns."""
    parent, program = int(arguments[0]), arguments[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel knew our wish
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        os.execvp(program[0], program)  # noqa: S606 - a list, without a shell
    except OSError as error:
        sys.exit(f"can't start {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])

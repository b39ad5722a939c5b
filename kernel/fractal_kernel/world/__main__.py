"""One rank of a world: `python -m fractal_kernel.world --socket PATH --epoch N`, as mpirun starts it.

Only rank 0 uses the socket. What a rank dies of is one line on standard error, and takes the whole world with it: the
agent starts another one.
"""

import argparse
import ctypes
import gc
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Final

import mpi4py

if TYPE_CHECKING:
    from mpi4py import MPI

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h

END_S: Final = 5
"""A rank that was told to end and has not done so by then is ended by the kernel."""


def main() -> None:
    """Serve as one rank, until the world ends."""
    options = _options()
    _die_with_parent()
    # Ctrl-C reaches every process of a terminal; it is the agent who says what becomes of the world.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    mpi4py.rc.thread_level = "funneled"
    from mpi4py import MPI  # noqa: PLC0415 - this initializes MPI, which must know the level, and be told to die first

    comm = MPI.COMM_WORLD
    try:
        _serve(comm, options)
    except BaseException as error:  # noqa: BLE001 - the outermost: a rank must never die silently, nor alone
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error}".replace("\n", " ")
        _say(f"rank {comm.rank}: {reason} ({where.name}, line {where.lineno})")
        comm.Abort(1)
    signal.alarm(END_S)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fractal_kernel.world", description=__doc__)
    parser.add_argument("--socket", required=True, help="the agent's Unix socket")
    parser.add_argument("--epoch", required=True, type=int, help="the number of this world")
    return parser.parse_args()


def _serve(comm: "MPI.Intracomm", options: argparse.Namespace) -> None:
    # Imported late, so that a rank that dies of an import says so as of anything else.
    from fractal_kernel.wire import Ready  # noqa: PLC0415
    from fractal_kernel.world.bells import Bells  # noqa: PLC0415
    from fractal_kernel.world.ledger import Ledger  # noqa: PLC0415
    from fractal_kernel.world.link import Link, LinkLost  # noqa: PLC0415
    from fractal_kernel.world.root import Root  # noqa: PLC0415
    from fractal_kernel.world.worker import Worker  # noqa: PLC0415

    gc.freeze()  # what is here stays, and need not be looked through for garbage
    bells = Bells()
    hosts, pids, doors = zip(*comm.allgather((os.uname().nodename, os.getpid(), bells.door)), strict=True)
    if comm.rank:
        Worker(comm, bells, called=bells.meet(doors, [0])).serve()
        return
    called = bells.meet(doors, range(1, comm.size))
    ledger = Ledger(os.environ.get("FRACTAL_LEDGER"), options.epoch)
    link = Link(options.socket)
    try:
        Root(comm, bells, link, ledger, called=called).serve(Ready(epoch=options.epoch, hosts=hosts, pids=pids))
    except LinkLost as error:
        _say(f"rank 0: {error}")


def _say(sentence: str) -> None:
    sys.stderr.write(f"[ERROR] {sentence}\n")
    sys.stderr.flush()


def _die_with_parent() -> None:
    """Ranks outlive a killed mpirun by seconds; with this they don't."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()

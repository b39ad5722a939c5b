"""`python -m fractal_kernel.pod`: becomes what the pod's ordinal says, the agent or an sshd that is watched."""

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from fractal_api.errors import FractalError, PermanentError
from fractal_kernel.pod import peer
from fractal_kernel.pod.master import STORE_FILE, plan_environment
from fractal_kernel.pod.place import NODES, POD, SCRATCH, SECRETS, SERVICE, SLOTS, Place, read_place

USAGE: Final = f"""\
usage: python -m fractal_kernel.pod

Runs one pod of a world: the agent when the ordinal is 0, else an sshd. It takes no arguments; these variables count:

  {POD}       the pod's name, such as mpi-node-0; by default HOSTNAME
  {SERVICE}   the headless Service; by default what stands before the ordinal
  {NODES}     pods of the world
  {SLOTS}     ranks in each pod
  {SECRETS}   the folder with host, user, authorized_keys, known_hosts, token and store; by default /etc/fractal

and those of python -m fractal_kernel.agent, which win over what is found out here.
"""


class NoSecret(PermanentError):  # noqa: N818 - it names what there isn't
    """A file of the Secret can't be read."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 after a polite end, 1 when the pod can't work, 2 for wrong usage."""
    if arguments:
        asked = set(arguments) <= {"-h", "--help"}
        (sys.stdout if asked else sys.stderr).write(USAGE)
        return 0 if asked else 2
    try:
        place = read_place(os.environ)
        SCRATCH.mkdir(mode=0o700, exist_ok=True)
        if place.ordinal:
            return peer.serve(place)
        become_agent(place)
    except (FractalError, OSError) as error:
        sys.stderr.write(f"fractal-pod: {error}\n")
        return 1


def become_agent(place: Place) -> NoReturn:
    """Replace this process by the agent."""
    environment = plan_environment(place, os.environ, _store(place))
    os.execve(sys.executable, [sys.executable, "-m", "fractal_kernel.agent"], environment)  # noqa: S606 - no shell


def _store(place: Place) -> str:
    try:
        return (place.secrets / STORE_FILE).read_text().strip()
    except OSError as error:
        raise NoSecret(f"can't read {place.secrets / STORE_FILE}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

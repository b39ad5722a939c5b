"""Programs of the machine, called with a deadline and a clear sentence when they fail."""

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster_harness.errors import CommandError, DeadlineError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LAST_WORDS = 1000  # characters of a failed program's output that a person gets to read


def run(
    command: Sequence[str | Path],
    *,
    timeout_s: float = 60,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What the program printed; CommandError when it returned an error, DeadlineError at its deadline."""
    shown = " ".join([Path(command[0]).name, *(str(word) for word in command[1:6])])
    try:
        done = subprocess.run(
            [str(word) for word in command],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=with_system_path(os.environ if environment is None else environment),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeadlineError(f"`{shown}` did not end within {timeout_s:g} s") from None
    except FileNotFoundError:
        raise CommandError(f"there is no program {command[0]} on this machine") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-LAST_WORDS:]
        raise CommandError(f"`{shown}` failed with {done.returncode}: {words}")
    return done.stdout


def with_system_path(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the folders where Debian has an administrator's programs; `su` leaves them out."""
    return {**environment, "PATH": f"{environment.get('PATH', '')}:{SYSTEM_PATH}".lstrip(":")}


def start(
    command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str], sockets: Sequence[socket.socket] = ()
) -> None:
    """Leave the program running as nobody's child, so that it outlives us and is reaped by the machine's init.

    It inherits the sockets under their numbers.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        subprocess.run(
            ["setsid", "--fork", *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd="/",
            pass_fds=[inherited.fileno() for inherited in sockets],
            check=True,
        )

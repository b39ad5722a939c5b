"""Programs of the machine, called with a deadline and a clear sentence when they fail."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster_harness.errors import CommandFailed, TimedOut

LAST_WORDS = 400  # characters of a failed program's output that a person gets to read


def run(
    command: Sequence[str | Path],
    *,
    timeout_s: float = 60,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What the program printed; CommandFailed when it returned an error, TimedOut at its deadline."""
    shown = " ".join(str(word) for word in command[:6])
    try:
        done = subprocess.run(
            [str(word) for word in command],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimedOut(f"`{shown}` did not end within {timeout_s:g} s") from None
    except FileNotFoundError:
        raise CommandFailed(f"there is no program {command[0]} on this machine") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-LAST_WORDS:]
        raise CommandFailed(f"`{shown}` failed with {done.returncode}: {words}")
    return done.stdout

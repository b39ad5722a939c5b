"""The first pod: what its agent is told, so that it keeps a world of all pods."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fractal_kernel.pod.place import SCRATCH, Place

STORE_FILE: Final = "store"
TOKEN_FILE: Final = "token"  # noqa: S105 - the name of a file

_SSH_OPTIONS: Final[Mapping[str, str]] = {
    "StrictHostKeyChecking": "yes",
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "LogLevel": "ERROR",
}


def plan_environment(place: Place, environment: Mapping[str, str], store: str) -> dict[str, str]:
    """The agent's environment: the pod's own, and what follows from the pod's place; `store` is the store's address.

    A variable that the pod was given wins, for whoever wants another interface or another store.
    """
    told = {
        "FRACTAL_AGENT_TOKEN_FILE": str(place.secrets / TOKEN_FILE),
        "FRACTAL_STORE": store,
        "FRACTAL_RANKS": str(place.nodes * place.slots),
    }
    if place.nodes > 1:
        told |= {
            "FRACTAL_HOSTS": ",".join(f"{host}:{place.slots}" for host in place.hosts),
            "FRACTAL_SSH_ARGS": _ssh_args(place.secrets),
            "FRACTAL_INTERFACE": "eth0",
            "FRACTAL_SCRATCH": str(SCRATCH),
        }
    return told | {name: value for name, value in environment.items() if value}


def _ssh_args(secrets: Path) -> str:
    options = {"UserKnownHostsFile": str(secrets / "known_hosts"), **_SSH_OPTIONS}
    return " ".join(["-F none", f"-i {secrets / 'user'}", *(f"-o {name}={value}" for name, value in options.items())])

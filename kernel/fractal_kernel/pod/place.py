"""Which pod of which world this is: told by the environment, which is the same for all pods but for the pod's name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fractal_api.errors import PermanentError

POD: Final = "FRACTAL_POD"
SERVICE: Final = "FRACTAL_SERVICE"
NODES: Final = "FRACTAL_NODES"
SLOTS: Final = "FRACTAL_SLOTS"
SECRETS: Final = "FRACTAL_SECRETS"

DEFAULT_SECRETS: Final = "/etc/fractal"

SCRATCH: Final = Path("/dev/shm/world")  # noqa: S108 - a pod's memory is nobody else's
"""A folder on every pod for what Open MPI leaves behind; the agent empties it before each world."""

_POD_NAME: Final = re.compile(r"(.+)-(0|[1-9][0-9]*)")


class NoPlace(PermanentError):  # noqa: N818 - it names what there isn't
    """The environment doesn't say which pod this is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A pod: the name of its StatefulSet with its ordinal, the headless Service, and how large the world is.

    `secrets` is the folder of the Secret, with `host`, `user`, `authorized_keys`, `known_hosts`, `token` and `store`.
    """

    world_set: str
    ordinal: int
    service: str
    nodes: int
    slots: int
    secrets: Path

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every pod of the world, this world's first one first, by names that any cluster's DNS completes."""
        return tuple(f"{self.world_set}-{number}.{self.service}" for number in range(self.nodes))


def read_place(environment: Mapping[str, str]) -> Place:
    """The place that the environment tells; NoPlace names the variable that is missing or wrong."""
    name = environment.get(POD) or environment.get("HOSTNAME", "")
    match = _POD_NAME.fullmatch(name)
    if match is None:
        raise NoPlace(f"{POD} must be the name of a StatefulSet's pod, such as mpi-node-0, not {name!r}")
    return Place(
        world_set=match[1],
        ordinal=int(match[2]),
        service=environment.get(SERVICE) or match[1],
        nodes=_count(environment, NODES),
        slots=_count(environment, SLOTS),
        secrets=Path(environment.get(SECRETS) or DEFAULT_SECRETS),
    )


def _count(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise NoPlace(f"{name} must be a whole number above 0, not {text!r}")
    return int(text)

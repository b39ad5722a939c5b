"""What a machine runs: its services and mounts, as a value that passes from `up` to the machine's first process."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program that a machine keeps running.

    It starts once the Unix socket `after` (if any) accepts connections.
    """

    name: str
    command: tuple[str, ...]
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """How a machine starts: mounts, then `before` (to its end), then the services."""

    logs: str
    held: str
    binds: tuple[tuple[str, str], ...] = ()
    before: tuple[str, ...] = ()
    services: tuple[Service, ...]

    def write(self, path: Path) -> None:
        """Keep it for the machine's first process."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> "Boot":
        """What `write` wrote."""
        raw = json.loads(path.read_text())
        services = tuple(
            Service(name=entry["name"], command=tuple(entry["command"]), after=entry["after"])
            for entry in raw["services"]
        )
        binds = tuple((source, target) for source, target in raw["binds"])
        return cls(logs=raw["logs"], held=raw["held"], binds=binds, before=tuple(raw["before"]), services=services)

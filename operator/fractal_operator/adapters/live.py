"""Live figures: what a world writes into the store for spectators while it renders."""

from collections.abc import Mapping
from dataclasses import dataclass

from fractal_api.storage import Keys
from fractal_operator.adapters.store_link import StoreLink


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFigures:
    """How far a run is; `run` is `<uid>-<attempt>`."""

    run: str
    percent: float
    tiles_done: int
    tiles_total: int
    eta_s: float | None


class Live:
    """The live figures of one installation."""

    def __init__(self, link: StoreLink, install: str) -> None:
        self._link = link
        self._install = install

    async def figures(self, uid: str) -> LiveFigures | None:
        """The figures of the job with that uid; None when there are none that can be understood."""
        async with self._link.talk() as redis:
            fields = await redis.hgetall(Keys(install=self._install, uid=uid).live)
        return parse_live({_text(name): _text(value) for name, value in fields.items()})


def parse_live(fields: Mapping[str, str]) -> LiveFigures | None:
    """The figures of the store's fields; None when one is missing or isn't a number."""
    try:
        return LiveFigures(
            run=fields["run"],
            percent=float(fields["percent"]),
            tiles_done=int(fields["tilesDone"]),
            tiles_total=int(fields["tilesTotal"]),
            eta_s=float(fields["etaSeconds"]) if "etaSeconds" in fields else None,
        )
    except (KeyError, ValueError):
        return None


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")

"""Live figures: what a world writes into the store for spectators while it renders."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fractal_api.storage import Keys
from fractal_operator.adapters.store_link import StoreLink

_MAX: Final = 2.0**53


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
    """The figures of the store's fields; None when one is missing or isn't a number that can be."""
    try:
        return LiveFigures(
            run=fields["run"],
            percent=_amount(fields["percent"]),
            tiles_done=int(_amount(fields["tilesDone"])),
            tiles_total=int(_amount(fields["tilesTotal"])),
            eta_s=_amount(fields["etaSeconds"]) if "etaSeconds" in fields else None,
        )
    except (KeyError, ValueError):
        return None


def _amount(text: str) -> float:
    number = float(text)
    if not 0 <= number < _MAX:  # neither NaN nor infinity is
        raise ValueError(text)
    return number


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")

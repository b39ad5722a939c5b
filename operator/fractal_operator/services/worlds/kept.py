"""Objects that are applied once, and again when somebody else has changed or deleted them."""

import logging
from dataclasses import dataclass
from typing import Final

from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import Immutable, NotFound
from fractal_operator.core.drift import correction, essence
from fractal_operator.core.names import Object

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was wanted of an object, and how the API server answered: so it should stay."""

    wanted: Object
    content: Object

    def drifted(self, live: Object) -> bool:
        """Whether somebody else changed it."""
        return essence(live, self.wanted) != self.content


async def apply(api: Api, path: str, wanted: Object, *, replace: bool = True) -> tuple[Kept, Object]:
    """The object as it is after it was made what is wanted, without anything that others put into it.

    One with another value in a field that can't change is deleted and made anew, with `replace`; a Namespace never is,
    since all that is in it would go along. Immutable then.
    """
    try:
        live = await api.apply(path, wanted)
    except Immutable:
        if not replace or wanted["kind"] == "Namespace":
            raise
        logger.warning("%s %s can't be changed to what it should be, and is made anew", wanted["kind"], path)
        await api.delete(path)
        live = await api.apply(path, wanted)
    if (patch := correction(wanted, live)) is not None:
        live = await api.merge(path, patch)
    return Kept(wanted=wanted, content=essence(live, wanted)), live


class Fixtures:
    """The objects of a world that are simply there: all but its StatefulSet, pods and Secret."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kept: dict[str, Kept] = {}

    async def keep(self, path: str, wanted: Object) -> None:
        """Return when the object is what is wanted, as far as anybody has told."""
        kept = self._kept.get(path)
        if kept is None or kept.wanted != wanted:
            self._kept[path], _ = await apply(self._api, path, wanted)

    async def look(self) -> None:
        """Notice what was changed or deleted without anybody telling, as after a gap in a watch."""
        for path in [*self._kept]:
            try:
                live = await self._api.get(path)
            except NotFound:
                self.observe(path, {}, gone=True)
            else:
                self.observe(path, live, gone=False)

    def observe(self, path: str, obj: Object, *, gone: bool) -> bool:
        """Take notice of an object; whether it has to be put right."""
        kept = self._kept.get(path)
        if kept is None or not (gone or kept.drifted(obj)):
            return False
        del self._kept[path]
        return True

    def forget(self) -> None:
        """Look at everything anew: the namespace is another one."""
        self._kept.clear()

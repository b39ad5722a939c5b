"""One object, followed as it changes, where kopf can't: before this replica leads, and while kopf is being stopped."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator
from typing import Final

from fractal_api.errors import FractalError
from fractal_operator.adapters.api import Api
from fractal_operator.core.names import Object

_WATCH_S: Final = 290
_PAUSE_S: Final = 2.0
_MAX_LINE: Final = 4 * 1024 * 1024  # a CRD with its managed fields is long

logger = logging.getLogger(__name__)


async def states_of(api: Api, collection: str, name: str) -> AsyncGenerator[Object | None, None]:
    """The object now, and after each change; None when it is not there. It never ends by itself."""
    chosen = {"fieldSelector": f"metadata.name={name}"}
    while True:
        try:
            found = await api.get(collection, **chosen)
            yield next(iter(found["items"]), None)
            async with contextlib.aclosing(_changes(api, collection, found["metadata"], chosen)) as changes:
                async for state in changes:
                    yield state
        except (FractalError, TimeoutError) as error:
            logger.debug("Following %s/%s begins anew: %s", collection, name, error)
        await asyncio.sleep(_PAUSE_S)


async def _changes(
    api: Api, collection: str, since: Object, chosen: dict[str, str]
) -> AsyncGenerator[Object | None, None]:
    query = {"watch": "true", "resourceVersion": since["resourceVersion"], "timeoutSeconds": str(_WATCH_S), **chosen}
    async with asyncio.timeout(_WATCH_S + _PAUSE_S):
        async with contextlib.aclosing(api.lines(collection, max_line=_MAX_LINE, **query)) as lines:
            async for line in lines:
                event = json.loads(line)
                match event.get("type"):
                    case "ADDED" | "MODIFIED":
                        yield event["object"]
                    case "DELETED":
                        yield None
                    case _:
                        return

"""The end of a world's Namespace, asked for by name: garbage collection can't be trusted with it.

A FractalNamespace whose definition goes at the same time, as in `kubectl delete -k manifests/`, may be gone before the
garbage collector has looked; then it knows no such kind any more, and lets the Namespace and its pods live on.
"""

import logging
from typing import Final

from fractal_api.errors import FractalError
from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import NotFound
from fractal_operator.core import paths

logger: Final = logging.getLogger(__name__)


async def delete_namespace(api: Api, world: str, uid: str) -> None:
    """Have the Namespace of the FractalNamespace with that uid deleted, if there is one; best effort."""
    path = f"{paths.NAMESPACES}/{world}"
    try:
        found = await api.get(path)
        owners = found["metadata"].get("ownerReferences") or ()
        if any(owner.get("uid") == uid for owner in owners) and "deletionTimestamp" not in found["metadata"]:
            await api.delete(path, uid=found["metadata"]["uid"])
    except NotFound:
        return
    except FractalError as error:
        logger.warning("its namespace is left to garbage collection: %s", error, extra={"world": world})

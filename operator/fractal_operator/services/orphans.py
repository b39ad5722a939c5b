"""Namespaces of worlds that nobody owns any more, when the kind of their owners goes with all of it.

Garbage collection can't be trusted with them then: before it has looked, it may not know that kind any more, and lets
the Namespace and its pods live on for ever.
"""

from collections.abc import Collection, Iterator

from fractal_api.kinds import NAMESPACES
from fractal_operator.adapters.api import Api
from fractal_operator.core import names, paths
from fractal_operator.core.names import Object


async def delete_orphans(api: Api, living: Collection[str]) -> list[str]:
    """Have the Namespaces deleted whose FractalNamespace has none of the uids in `living`; their names.

    FractalError as it comes; calling it again goes on.
    """
    deleted = []
    async for page in api.pages(paths.NAMESPACES, labelSelector=names.WORLD_LABEL):
        for namespace in page["items"]:
            metadata = namespace["metadata"]
            if "deletionTimestamp" in metadata or not _is_orphan(namespace, living):
                continue
            await api.delete(f"{paths.NAMESPACES}/{metadata['name']}", uid=metadata["uid"])
            deleted.append(metadata["name"])
    return deleted


def _is_orphan(namespace: Object, living: Collection[str]) -> bool:
    owners = set(_owners(namespace))
    return bool(owners) and owners.isdisjoint(living)


def _owners(namespace: Object) -> Iterator[str]:
    """The uids of the FractalNamespaces that own it."""
    for owner in namespace["metadata"].get("ownerReferences") or ():
        if owner["kind"] == NAMESPACES.name:
            yield owner["uid"]

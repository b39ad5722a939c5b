"""Whether somebody else changed an object of ours, and the patch that takes it back.

What the API server answered to an apply is how the object should be, its defaults included: comparing with that is
exact where comparing with what was sent is not (a quantity of 1000m comes back as 1).
"""

from collections.abc import Mapping
from typing import Any, Final

from fractal_operator.core.names import FIELD_MANAGER, Object

_CONTENT: Final = ("spec", "data", "type", "immutable", "subjects", "roleRef")


def essence(obj: Object, wanted: Object) -> Object:
    """What of an object is ours to say: its content, and of labels, annotations and owners what we want."""
    metadata, wish = obj.get("metadata") or {}, wanted["metadata"]
    maps = {
        part: {key: (metadata.get(part) or {}).get(key) for key in wish.get(part, {})}
        for part in ("labels", "annotations")
    }
    owners = {owner["uid"] for owner in wish.get("ownerReferences", ())}
    ours = [owner for owner in metadata.get("ownerReferences") or () if owner.get("uid") in owners]
    content: Object = {part: obj[part] for part in _CONTENT if part in obj and obj.get("kind", "") != "Namespace"}
    return {**content, **maps, "owners": ours}


def correction(wanted: Object, live: Object) -> Object | None:
    """A JSON merge patch that removes what others put into an object of ours; None when they put nothing.

    Applying alone doesn't: server-side apply leaves alone what it was never told of.
    """
    if wanted["kind"] == "Namespace":  # its spec is the API server's own
        return None
    patch: Object = {}
    for entry in (live.get("metadata") or {}).get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER or entry.get("subresource"):
            continue
        for part in _CONTENT:
            fields = (entry.get("fieldsV1") or {}).get(f"f:{part}")
            if fields is not None and part in live:
                found = _undo(wanted.get(part), live[part], fields)
                if found is not _NOTHING:
                    patch[part] = _merged(patch.get(part), found)
    return patch or None


class _Nothing:
    """There is nothing to undo."""


_NOTHING: Final = _Nothing()


def _undo(wanted: Any, live: Any, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    """The patch of one part: null for what isn't wanted, lists as they are wanted."""
    if wanted is None:
        return None
    if not isinstance(wanted, Mapping) or not isinstance(live, Mapping):
        # Within a list the patch can't remove a single thing; as a whole it can be said again.
        return wanted if isinstance(wanted, list) else _NOTHING
    patch: Object = {}
    for key, below in fields.items():
        name = key.removeprefix("f:")
        if not key.startswith("f:") or name not in live:
            continue
        found = _undo(wanted.get(name), live[name], below)
        if found is not _NOTHING:
            patch[name] = found
    return patch or _NOTHING


def _merged(one: Any, other: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: _merged(one.get(key), value) for key, value in other.items()}}
    return other

"""A world's Namespace is deleted by name when its FractalNamespace is let go. The API server is a fake: one object."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from fractal_operator.adapters.api_errors import NotFound
from fractal_operator.core.names import Object
from fractal_operator.services.world_end import delete_namespace

if TYPE_CHECKING:
    from fractal_operator.adapters.api import Api


class Namespaces:
    """The one Namespace that there is, or none; and what was deleted."""

    def __init__(self, **metadata: object) -> None:
        self.body: Object | None = {"metadata": {"name": "w", "uid": "ns-1", **metadata}} if metadata else None
        self.deleted: list[tuple[str, str | None]] = []

    async def get(self, path: str) -> Object:
        if self.body is None:
            raise NotFound(path)
        return self.body

    async def delete(self, path: str, *, uid: str | None = None) -> None:
        self.deleted.append((path, uid))


OWNED: dict[str, Any] = {"ownerReferences": [{"uid": "world-1"}]}
ITSELF = ("/api/v1/namespaces/w", "ns-1")


@pytest.mark.parametrize(
    ("metadata", "deleted"),
    [
        pytest.param(OWNED, [ITSELF], id="its own"),
        pytest.param({"ownerReferences": [{"uid": "another"}]}, [], id="somebody else's"),
        pytest.param({"labels": {}}, [], id="nobody's"),
        pytest.param({**OWNED, "deletionTimestamp": "2026-01-01T00:00:00Z"}, [], id="going already"),
        pytest.param({}, [], id="none"),
    ],
)
async def test_a_namespace_goes_with_its_world_and_no_other_does(
    metadata: dict[str, Any], deleted: list[tuple[str, str]]
) -> None:
    namespaces = Namespaces(**metadata)
    await delete_namespace(cast("Api", namespaces), "w", "world-1")
    assert namespaces.deleted == deleted

"""Patches that are all allowed before any is done, against a server of the test's own."""

import pytest
from support.operator_api_server import ApiServer

from fractal_operator.adapters.api import Api
from fractal_operator.adapters.api_errors import Forbidden
from fractal_operator.adapters.joint_patch import patch_together

FREE = {"metadata": {"finalizers": None}}


async def test_all_are_patched(api: Api, server: ApiServer) -> None:
    for name in ("a", "b", "c"):
        server.put(f"/x/{name}", {"metadata": {"finalizers": ["f"]}})
    await patch_together(api, {f"/x/{name}": FREE for name in ("a", "b", "c")})
    assert all("finalizers" not in body["metadata"] for body in server.objects.values())


async def test_none_is_patched_when_one_is_not_allowed(api: Api, server: ApiServer) -> None:
    server.put("/x/a", {"metadata": {"finalizers": ["f"]}})
    server.put("/x/b", {"metadata": {"finalizers": ["f"]}})
    server.forbidden = frozenset({"/x/b"})
    with pytest.raises(Forbidden):
        await patch_together(api, {"/x/a": FREE, "/x/b": FREE})
    assert [body["metadata"]["finalizers"] for body in server.objects.values()] == [["f"], ["f"]]


async def test_one_that_is_gone_counts_as_done(api: Api, server: ApiServer) -> None:
    server.put("/x/a", {"metadata": {"finalizers": ["f"]}})
    await patch_together(api, {"/x/a": FREE, "/x/gone": FREE})
    assert "finalizers" not in server.objects["/x/a"]["metadata"]


async def test_nothing_to_patch_is_done_at_once(api: Api) -> None:
    await patch_together(api, {})

"""What the operator's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.operator_api_server import ApiServer, api_server, connected

from fractal_operator.adapters.api import Api


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """An API server of the test's own."""
    async with api_server() as running:
        yield running


@pytest.fixture
async def api(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The adapter, connected to `server`."""
    async with connected(tmp_path, server.url, monkeypatch) as found:
        yield found

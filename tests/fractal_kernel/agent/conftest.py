"""Agents among fakes."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.agent_fakes import FakeStore
from support.agent_stage import Stage, living

from fractal_kernel.agent.album import ALBUM_BYTES
from fractal_kernel.agent.surroundings import Limits


@pytest.fixture
def make_stage(tmp_path: Path) -> Callable[..., Stage]:
    def make(
        store: FakeStore | None = None,
        *,
        fruitless: int = 2,
        store_s: float = 5.0,
        flush_s: float = 1.0,
        album_bytes: int = ALBUM_BYTES,
    ) -> Stage:
        limits = Limits(fruitless=fruitless, store_s=store_s, start_s=5.0, flush_s=flush_s, album_bytes=album_bytes)
        return Stage(tmp_path, store or FakeStore(), limits)

    return make


@pytest.fixture
async def stage(make_stage: Callable[..., Stage]) -> AsyncIterator[Stage]:
    async with living(make_stage()) as made:
        yield made


@pytest.fixture
async def forgetful(make_stage: Callable[..., Stage]) -> AsyncIterator[Stage]:
    """A stage whose agent has the tiles that the store has nowhere else."""
    async with living(make_stage(album_bytes=0)) as made:
        yield made

"""Agents among fakes."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.agent_fakes import FakeStore
from support.agent_stage import Stage, living

from fractal_kernel.agent.surroundings import Limits


@pytest.fixture
def make_stage(tmp_path: Path) -> Callable[..., Stage]:
    def make(
        store: FakeStore | None = None, *, fruitless: int = 2, store_s: float = 5.0, flush_s: float = 1.0
    ) -> Stage:
        limits = Limits(fruitless=fruitless, store_s=store_s, start_s=5.0, flush_s=flush_s)
        return Stage(tmp_path, store or FakeStore(), limits)

    return make


@pytest.fixture
async def stage(make_stage: Callable[..., Stage]) -> AsyncIterator[Stage]:
    async with living(make_stage()) as made:
        yield made

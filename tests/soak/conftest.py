"""What every fault test needs: a place, the picture as it must be, and a seed that a failure can be repeated with."""

import os
import random
import secrets
from collections.abc import Iterator

import pytest
from support.agent_process import Place, make_place, remove_place
from support.truth import LASTING, MANY_TILES, Truth, render_truth


@pytest.fixture(scope="session")
def truth() -> Truth:
    return render_truth(MANY_TILES)


@pytest.fixture(scope="session")
def lasting() -> Truth:
    return render_truth(LASTING)


@pytest.fixture
def place() -> Iterator[Place]:
    made = make_place()
    yield made
    remove_place(made)


@pytest.fixture(scope="session")
def seed() -> str:
    """FRACTAL_SEED, to repeat what failed, or a new one."""
    return os.environ.get("FRACTAL_SEED") or secrets.token_hex(4)


@pytest.fixture
def chance(request: pytest.FixtureRequest, seed: str) -> random.Random:
    """Chance that this test alone draws from; pytest shows the seed when the test fails."""
    print(f"repeat with FRACTAL_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")  # noqa: S311 - no secret depends on it

"""A coarse pass that many ranks share comes to what one rank alone comes to."""

import numpy as np
import pytest
from support.views import legacy, seahorse

from fractal_kernel import coarse
from fractal_kernel.coarse import Samples
from fractal_kernel.definition import Definition
from fractal_kernel.escape.control import Control
from fractal_kernel.world.costs import tile_iterations
from fractal_kernel.world.survey import Found, SharedSurvey

PICTURES = [
    pytest.param(seahorse(300, 200), id="auto"),
    pytest.param(seahorse(300, 200, max_iterations=3000), id="a limit above the first"),
    pytest.param(seahorse(300, 200, max_iterations=50), id="a limit below the first"),
    pytest.param(legacy(300, 200), id="Legacy"),
    pytest.param(seahorse(2, 1), id="fewer samples than ranks"),
]


def shared(definition: Definition, ranks: int) -> tuple[Found, list[Samples]]:
    """What so many ranks find, and their samples."""
    survey = SharedSurvey(definition, ranks)
    parts = [Samples(definition, rank, ranks) for rank in range(ranks)]
    last = [False] * (ranks - 1) + [True]
    while isinstance(limit := survey.step, int):
        for part in parts:
            part.advance(limit, Control())
        assert [survey.learn(part.tally) for part in parts] == last
    for part in parts:
        part.advance(survey.step.limit, Control())
    works = [part.work(survey.step.max_iterations) for part in parts]
    found = [survey.collect(tile_iterations(work, definition.frame).tobytes()) for work in works]
    assert [one is not None for one in found] == last
    assert found[-1] is not None
    return found[-1], parts


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("definition", PICTURES)
def test_ranks_together_find_what_one_alone_finds(definition: Definition, ranks: int) -> None:
    alone = coarse.survey(definition, Control())
    together, parts = shared(definition, ranks)
    assert together.max_iterations == alone.max_iterations
    work = np.sum([part.work(together.max_iterations) for part in parts], axis=0)
    # How soon a sample is known to be inside, and so its work, depends on the samples beside it; nothing else does.
    escaped = alone.counts >= 0
    np.testing.assert_array_equal(work[escaped], alone.work[escaped])
    np.testing.assert_array_equal(together.iterations, tile_iterations(work, definition.frame))


def test_nothing_is_collected_before_the_decision() -> None:
    survey = SharedSurvey(seahorse(300, 200), 1)
    with pytest.raises(ValueError, match="not over"):
        survey.collect(np.zeros(20).tobytes())

"""A coarse pass that many ranks share comes to what one rank alone comes to."""

import numpy as np
import pytest
from support.views import legacy, seahorse

from fractal_kernel import coarse
from fractal_kernel.coarse import Samples, Survey
from fractal_kernel.definition import Definition
from fractal_kernel.escape.control import Control
from fractal_kernel.world.survey import SharedSurvey

PICTURES = [
    pytest.param(seahorse(300, 200), id="auto"),
    pytest.param(seahorse(300, 200, max_iterations=3000), id="a limit above the first"),
    pytest.param(seahorse(300, 200, max_iterations=50), id="a limit below the first"),
    pytest.param(legacy(300, 200), id="Legacy"),
    pytest.param(seahorse(2, 1), id="fewer samples than ranks"),
]


def shared(survey: SharedSurvey, parts: list[Samples]) -> Survey:
    while (limit := survey.limit) is not None:
        answers = [survey.learn(part.advance(limit, Control())) for part in parts]
        assert answers == [False] * (len(parts) - 1) + [True]
    found = [survey.collect(rank, part.outcome.tobytes()) for rank, part in enumerate(parts)]
    assert found[:-1] == [None] * (len(parts) - 1)
    assert found[-1] is not None
    return found[-1]


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("definition", PICTURES)
def test_ranks_together_find_what_one_alone_finds(definition: Definition, ranks: int) -> None:
    alone = coarse.survey(definition, Control())
    parts = [Samples(definition, rank, ranks) for rank in range(ranks)]
    together = shared(SharedSurvey(definition, ranks), parts)
    assert together.max_iterations == alone.max_iterations
    np.testing.assert_array_equal(together.counts, alone.counts)
    # How soon a sample is known to be inside, and so its work, depends on the samples beside it; nothing else does.
    escaped = alone.counts >= 0
    np.testing.assert_array_equal(together.work[escaped], alone.work[escaped])

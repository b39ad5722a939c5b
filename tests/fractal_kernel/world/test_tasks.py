"""What a kernel thread does of a coarse pass, and what it keeps."""

import numpy as np
import pytest
from support.views import seahorse

from fractal_kernel import coarse
from fractal_kernel.coarse import Decision
from fractal_kernel.escape.control import Control
from fractal_kernel.world import orders
from fractal_kernel.world.costs import tile_iterations
from fractal_kernel.world.tasks import Answer, Scene, perform

PICTURE = seahorse(300, 200, max_iterations=900)


def collected(scene: Scene, decision: Decision) -> Answer:
    order = orders.Collect(task=7, limit=decision.limit, max_iterations=decision.max_iterations)
    return perform(order, scene)


def test_the_last_task_of_the_coarse_pass_says_what_the_samples_say_of_the_tiles() -> None:
    scene = Scene("a-1", PICTURE, rank=0, ranks=1)
    outcome, [data] = collected(scene, Decision(limit=900, max_iterations=900))
    assert outcome == orders.Collected(task=7)
    expected = tile_iterations(coarse.survey(PICTURE, Control()).work, PICTURE.frame)
    np.testing.assert_array_equal(np.frombuffer(data), expected)


def test_it_runs_the_samples_on_from_where_earlier_rounds_left_them() -> None:
    at_once, in_rounds = (Scene("a-1", PICTURE, rank=1, ranks=3) for _ in range(2))
    sampled, _ = perform(orders.Sample(task=6, limit=100), in_rounds)
    assert isinstance(sampled, orders.Sampled)
    assert sampled.tally.running > 0
    last = Decision(limit=200, max_iterations=5000)
    # What is undecided at 200 costs 5000, whether a round came before or not; how soon an inside is found may differ.
    [first], [second] = (collected(scene, last)[1] for scene in (at_once, in_rounds))
    assert np.frombuffer(second).sum() == pytest.approx(np.frombuffer(first).sum(), rel=0.01)
    assert np.frombuffer(first).sum() > 200 * 300 * 200 / 3


def test_the_samples_are_gone_when_the_coarse_pass_is_over_and_the_picture_can_be_rendered() -> None:
    scene = Scene("a-1", PICTURE, rank=0, ranks=1)
    collected(scene, Decision(limit=900, max_iterations=900))
    assert "samples" not in vars(scene)
    rendered, blobs = perform(orders.Render(task=8, tiles=(0, 1)), scene)
    assert isinstance(rendered, orders.Rendered)
    assert len(blobs) == 2

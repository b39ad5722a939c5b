"""A picture of either kind renders through one door."""

import numpy as np
import pytest
from support import grid_pictures, legacy_pictures

from fractal_api.tiling import Rect
from fractal_kernel.definition import Definition
from fractal_kernel.escape.control import Control, Stopped
from fractal_kernel.picture import Picture
from fractal_kernel.slow import grid as slow_grid
from fractal_kernel.slow import legacy as slow_legacy

GRID = grid_pictures.view("seahorse", (30, 20), max_iterations=300, side=2)
LEGACY = legacy_pictures.definition(size=(30, 20), center_re=-0.5, zoom=0.5)
RECTS = [Rect(3, 2, 10, 7), Rect(0, 0, 30, 20)]


def test_a_grid_picture_renders_as_its_twin_says() -> None:
    picture = Picture(GRID)
    for rect, rgb in zip(RECTS, picture.render(RECTS, Control()), strict=True):
        np.testing.assert_array_equal(rgb, slow_grid.render(GRID, rect))
    np.testing.assert_array_equal(picture.counts(RECTS[0], Control()), slow_grid.counts(GRID, RECTS[0]))


def test_a_legacy_picture_renders_as_its_twin_says() -> None:
    picture = Picture(LEGACY)
    for rect, rgb in zip(RECTS, picture.render(RECTS, Control()), strict=True):
        np.testing.assert_array_equal(rgb, slow_legacy.render(LEGACY, rect))
    assert (picture.counts(RECTS[0], Control()) == Picture(LEGACY).counts(RECTS[1], Control())[2:9, 3:13]).all()


@pytest.mark.parametrize("definition", [GRID, LEGACY], ids=["Grid", "Legacy"])
def test_a_stopped_picture_gives_no_pixels(definition: Definition) -> None:
    control = Control()
    control.stop()
    many = [RECTS[1]] * 500
    with pytest.raises(Stopped):
        Picture(definition).render(many, control)

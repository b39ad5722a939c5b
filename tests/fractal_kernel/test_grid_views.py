"""The known views at full size: what other renderers found there."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from support.grid_pictures import expected, view

from fractal_api.tiling import BAND_ROWS, Rect
from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.grid import Grid


def counts(picture: GridDefinition) -> NDArray[np.int64]:
    """The counts of a whole picture, by two threads."""
    grid, frame = Grid(picture), picture.frame
    bands = [Rect(0, y, frame.width, min(BAND_ROWS, frame.height - y)) for y in range(0, frame.height, BAND_ROWS)]
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(lambda band: grid.counts(band, Control()), bands)))


@pytest.mark.parametrize("name", ["full", "seahorse"])
def test_a_known_view_shows_what_is_known_of_it(name: str) -> None:
    found, known = counts(view(name)), expected(name)
    assert found.shape == (1080, 1920)
    assert np.mean(found < 0) == pytest.approx(known.inside_share, abs=0.0003 if name == "seahorse" else 0.00005)
    if known.mean_escaped is not None:
        assert np.mean(found[found >= 0]) == pytest.approx(known.mean_escaped, rel=0.001)


def test_a_view_of_the_interior_is_inside_all_over() -> None:
    assert (counts(view("interior", (480, 270))) == -1).all()

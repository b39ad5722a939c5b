"""The pixels of our own PNG files."""

import numpy as np
import pytest

from fractal_console.rows import RowReader
from fractal_kernel.image import png


@pytest.mark.parametrize("piece", [pytest.param(1, id="byte by byte"), pytest.param(100, id="pieces"), 1 << 20])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (37, 64), (5, 200)])
def test_rows_are_the_pixels_that_were_written(width: int, height: int, piece: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assembler = png.Assembler()
    file = png.head(width, height, {"a": "b"})
    for row in range(0, height, 64):
        file += assembler.band(png.encode_band(pixels[row : row + 64]))
    file += assembler.tail()
    reader = RowReader(width)
    found = np.zeros_like(pixels)
    seen = 0
    for start in range(0, len(file), piece):
        for first, rows in reader.feed(file[start : start + piece]):
            assert first == seen
            found[first : first + len(rows)] = rows
            seen += len(rows)
    assert seen == height
    assert np.array_equal(found, pixels)

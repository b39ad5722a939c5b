"""Which way a view is turned and stretched, from the job's file to the pixels: against complex numbers, here."""

import cmath
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fractal_kernel.cli.program import main

WIDTH, HEIGHT, ZOOM, ITERATIONS = 48, 32, 0.6, 60
CENTER = complex(-0.6, 0.35)

JOB = f"""\
apiVersion: clusteredfractals.dev/v1alpha1
kind: FractalJob
metadata: {{name: turned}}
spec:
  fractal:
    center: {{re: "{CENTER.real}", im: "{CENTER.imag}"}}
    zoom: "{ZOOM}"
    maxIterations: {ITERATIONS}
    rotation: "ROTATION"
    stretch: {{angle: "ANGLE", amount: "AMOUNT"}}
  image: {{width: {WIDTH}, height: {HEIGHT}}}
  color: {{colors: ["#000000", "#000000"], inside: "#ffffff"}}
"""
"""White inside, black outside: the pixels are the set itself."""


def count(c: complex) -> int:
    """The first n with |z_n| > 1000, −1 for none."""
    z = 0j
    for n in range(ITERATIONS + 1):
        if abs(z) > 1000:
            return n
        z = z * z + c
    return -1


def expected(rotation: float, angle: float, amount: float) -> NDArray[np.int64]:
    """The counts of the view, row 0 at the top: an offset is stretched along `angle`, then turned counterclockwise."""
    along, turn = cmath.rect(1, math.radians(angle)), cmath.rect(1, math.radians(rotation))
    counts = np.empty((HEIGHT, WIDTH), dtype=np.int64)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            right = ((column + 0.5) / WIDTH - 0.5) * WIDTH / HEIGHT
            up = 0.5 - (row + 0.5) / HEIGHT
            seen_along = complex(right, up) / ZOOM / along
            stretched = complex(amount * seen_along.real, seen_along.imag) * along
            counts[row, column] = count(CENTER + stretched * turn)
    return counts


VIEWS = {
    "upright": (0.0, 0.0, 1.0),
    "turned counterclockwise": (30.0, 0.0, 1.0),
    "turned clockwise": (-75.0, 0.0, 1.0),
    "stretched along the real axis": (0.0, 0.0, 1.8),
    "stretched along a slanting line": (0.0, 25.0, 1.8),
    "squeezed along a slanting line, then turned": (40.0, -20.0, 0.5),
}


@pytest.mark.parametrize("turns", VIEWS.values(), ids=VIEWS.keys())
def test_a_view_is_stretched_and_turned_the_way_it_says(
    turns: tuple[float, float, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation, angle, amount = turns
    job = JOB.replace("ROTATION", str(rotation)).replace("ANGLE", str(angle)).replace("AMOUNT", str(amount))
    (tmp_path / "turned.yaml").write_text(job)
    monkeypatch.chdir(tmp_path)
    assert main(["render", "turned.yaml", "--counts", "counts.npy"]) == 0
    wanted, found = expected(rotation, angle, amount), np.load("counts.npy")
    # Complex numbers round at other places: a sample or two on the edge of the set may differ, a mirrored view does.
    assert np.mean(found == wanted) > 0.99
    with Image.open("turned.png") as image:
        white = np.asarray(image)[..., 0] == 255
    np.testing.assert_array_equal(white, found < 0)


def test_these_views_tell_every_direction_from_its_opposite() -> None:
    wanted = expected(40.0, -20.0, 0.5)
    others = [(-40.0, -20.0, 0.5), (40.0, 20.0, 0.5), (40.0, -20.0, 2.0), (40.0, 70.0, 0.5), (220.0, -20.0, 0.5)]
    assert max(float(np.mean(expected(*other) == wanted)) for other in others) < 0.8
    assert all(np.mean(mirrored == wanted) < 0.8 for mirrored in (wanted[::-1], wanted[:, ::-1]))

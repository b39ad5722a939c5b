"""Grid pictures for tests: definitions in a few words, and the known views of `tests/data/views.json`."""

import json
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st
from support.checkout import ROOT

from fractal_api.tiling import Rect
from fractal_kernel.color.palettes import NAMES
from fractal_kernel.definition import Frame, GridDefinition
from fractal_kernel.escape.grid import MAX_SIDE
from fractal_kernel.escape.instructions import available

BUILT: Final = available()
"""The instruction sets that can be tested here."""


def definition(
    *, size: tuple[int, int] = (16, 12), side: int = 1, block_size: int = 64, **changes: object
) -> GridDefinition:
    """The whole Mandelbrot set, small, with changes."""
    values: dict[str, Any] = {
        "julia": False,
        "julia_re": 0.0,
        "julia_im": 0.0,
        "center_re": -0.5,
        "center_im": 0.0,
        "zoom": 0.4,
        "matrix": None,
        "max_iterations": 200,
        "palette": "ember",
        "colors": (),
        "inside": "#000000",
        "offset": 0.0,
        "scale": 1.0,
    }
    frame = Frame(width=size[0], height=size[1], side=side, block_size=block_size)
    return GridDefinition(frame=frame, **(values | changes))


def julia(re: float, im: float, **changes: object) -> GridDefinition:
    """A Julia set around 0."""
    values: dict[str, Any] = {"center_re": 0.0, "center_im": 0.0} | changes
    return definition(julia=True, julia_re=re, julia_im=im, **values)


def point(z_re: float, z_im: float, **changes: object) -> GridDefinition:
    """One pixel whose only sample lies exactly at a point."""
    values: dict[str, Any] = {"center_re": z_re, "center_im": z_im} | changes
    return definition(size=(1, 1), zoom=1.0, **values)


def whole(picture: GridDefinition) -> Rect:
    """The rectangle of all its pixels."""
    return Rect(0, 0, picture.frame.width, picture.frame.height)


class Expected(NamedTuple):
    """What a view shows at 1920×1080: the share of its pixels inside, and the mean n of the others."""

    inside_share: float
    mean_escaped: float | None


def view(name: str, size: tuple[int, int] = (1920, 1080), **changes: object) -> GridDefinition:
    """A known view."""
    entry = json.loads((ROOT / "tests" / "data" / "views.json").read_text())[name]
    values: dict[str, Any] = {
        "center_re": float(entry["re"]),
        "center_im": float(entry["im"]),
        "zoom": float(entry["zoom"]),
        "max_iterations": entry["max_iterations"],
    }
    return definition(size=size, **(values | changes))


def expected(name: str) -> Expected:
    """What is known of a view."""
    entry = json.loads((ROOT / "tests" / "data" / "views.json").read_text())[name]["expect"]
    return Expected(entry["inside_share"], entry.get("mean_escaped"))


_SPECIAL = [0.0, -0.0, -1.0, -0.75, 0.25, 1.0, -2.0, 1000.0, -1.3107, 1e-310, 1e5, 1e154, 1e308]
COORDINATES = st.sampled_from(_SPECIAL) | st.floats(-2.0, 2.0) | st.floats(-1e308, 1e308)
"""Numbers that orbits are sensitive to, and any others: fixed points, cycles, the escape radius, huge ones."""

ZOOMS = st.sampled_from([1e-300, 0.4, 1.0, 178.97, 1e300]) | st.floats(-4, 12).map(lambda power: 10.0**power)
MATRICES = st.none() | st.tuples(*[st.floats(-3.0, 3.0)] * 4) | st.tuples(*[st.sampled_from([0.0, 1e100, -1e-100])] * 4)
HEX_COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@st.composite
def pictures(draw: st.DrawFn) -> GridDefinition:
    """Any Grid picture of at most some thousand samples."""
    side = draw(st.sampled_from([1, 1, 1, 2, 3]) | st.integers(1, MAX_SIDE))
    longest = max(1, 24 // side)
    colors = draw(st.just(()) | st.lists(HEX_COLORS, min_size=1, max_size=5).map(tuple))
    return definition(
        size=(draw(st.integers(1, longest)), draw(st.integers(1, longest))),
        side=side,
        julia=draw(st.booleans()),
        julia_re=draw(COORDINATES),
        julia_im=draw(COORDINATES),
        center_re=draw(COORDINATES),
        center_im=draw(COORDINATES),
        zoom=draw(ZOOMS),
        matrix=draw(MATRICES),
        max_iterations=draw(st.integers(1, 40) | st.integers(1, 1000)),
        palette=draw(st.sampled_from(NAMES)),
        colors=colors,
        inside=draw(HEX_COLORS),
        offset=draw(st.floats(-1e6, 1e6)),
        scale=draw(st.sampled_from([1.0, 1e-6, 1e6]) | st.floats(1e-3, 1e3)),
    )


@st.composite
def rects_of(draw: st.DrawFn, picture: GridDefinition) -> Rect:
    """Any rectangle of a picture."""
    width, height = picture.frame.width, picture.frame.height
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Rect(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))

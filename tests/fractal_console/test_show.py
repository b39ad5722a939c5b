"""What `--show` draws: half-blocks that a terminal turns back into the same pixels."""

import os
import re

import numpy as np
import pytest
from numpy.typing import NDArray

from fractal_console.show import fitting, half_blocks, has_true_color

Pixels = NDArray[np.uint8]

CODE = re.compile(r"\x1b\[([0-9;]*)m")
XTERM_LEVELS = [0, 95, 135, 175, 215, 255]


def xterm(code: int) -> tuple[int, int, int]:
    """xterm's 256 colours, as its documentation defines them."""
    if code >= 232:
        gray = 8 + 10 * (code - 232)
        return gray, gray, gray
    red, rest = divmod(code - 16, 36)
    green, blue = divmod(rest, 6)
    return XTERM_LEVELS[red], XTERM_LEVELS[green], XTERM_LEVELS[blue]


def seen(lines: list[str]) -> list[list[tuple[object, object]]]:
    """The colours (above, below) of every half-block, as a terminal takes them; None is its own background."""
    return [drawn_cells(line) for line in lines]


def drawn_cells(line: str) -> list[tuple[object, object]]:
    above: object = None
    below: object = None
    cells = []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if not (code := CODE.fullmatch(part)):
            cells += [(above, below) for character in part if character == "▀"]
            continue
        numbers = [int(number) for number in code[1].split(";")]
        while numbers:
            match numbers:
                case [0, *rest]:
                    above = below = None
                case [49, *rest]:
                    below = None
                case [38 | 48 as ground, 2, red, green, blue, *rest]:
                    above, below = ((red, green, blue), below) if ground == 38 else (above, (red, green, blue))
                case [38 | 48 as ground, 5, color, *rest]:
                    above, below = (xterm(color), below) if ground == 38 else (above, xterm(color))
                case _:
                    raise AssertionError(numbers)
            numbers = rest
    return cells


def test_a_true_color_terminal_gets_every_pixel_exactly() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    cells = seen(list(half_blocks(rgb, true_color=True)))
    assert [[above for above, _ in line] for line in cells] == [[tuple(p) for p in row] for row in rgb[0::2].tolist()]
    assert [[below for _, below in line] for line in cells] == [[tuple(p) for p in row] for row in rgb[1::2].tolist()]


def test_an_odd_last_row_leaves_the_terminals_background_below() -> None:
    rgb = np.full((3, 2, 3), 77, dtype=np.uint8)
    assert seen(list(half_blocks(rgb, true_color=True)))[1] == [((77, 77, 77), None)] * 2


def test_equal_neighbours_share_one_color_code() -> None:
    rgb = np.full((2, 50, 3), 9, dtype=np.uint8)
    [line] = half_blocks(rgb, true_color=True)
    assert line == "\x1b[38;2;9;9;9;48;2;9;9;9m" + "▀" * 50 + "\x1b[0m"


@pytest.mark.parametrize(
    ("pixel", "shown"),
    [
        ((0, 0, 0), (0, 0, 0)),
        ((255, 255, 255), (255, 255, 255)),
        ((250, 2, 3), (255, 0, 0)),
        ((95, 135, 215), (95, 135, 215)),
        ((118, 118, 118), (118, 118, 118)),
    ],
    ids=["black", "white", "nearly red", "in the cube", "a gray"],
)
def test_other_terminals_get_the_nearest_of_256_colors(pixel: tuple[int, ...], shown: tuple[int, ...]) -> None:
    [line] = half_blocks(np.array([[pixel]], dtype=np.uint8), true_color=False)
    assert drawn_cells(line) == [(shown, None)]


@pytest.mark.parametrize(
    ("environ", "answer"),
    [({"COLORTERM": "truecolor"}, True), ({"COLORTERM": "24bit"}, True), ({"COLORTERM": ""}, False), ({}, False)],
    ids=["truecolor", "24bit", "empty", "unset"],
)
def test_the_terminal_says_whether_it_has_24_bit_colors(environ: dict[str, str], answer: bool) -> None:
    assert has_true_color(environ) is answer


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [
        (1280, 720, (45, 80)),
        (40, 30, (30, 40)),
        (65_536, 1, (1, 80)),
        (1, 65_536, (96, 1)),
        (1000, 8000, (96, 12)),
    ],
    ids=["usual", "smaller than the terminal", "one row", "one column", "tall"],
)
def test_a_picture_fills_the_terminals_width_or_two_screens(width: int, height: int, shape: tuple[int, int]) -> None:
    assert fitting(width, height, os.terminal_size((80, 24))).rgb.shape[:2] == shape

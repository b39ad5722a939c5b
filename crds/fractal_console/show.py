"""A small picture in a terminal: half-blocks, two pixels a character, one above the other."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TextIO

import numpy as np

from fractal_console.thumbnail import Thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

UPPER_HALF: Final = "▀"
RESET: Final = "\x1b[0m"
DEFAULT_BACKGROUND: Final = "49"
TRUE_COLOR: Final = frozenset({"truecolor", "24bit"})  # what terminals put into COLORTERM
SCREENS: Final = 2
"""A picture is as wide as the terminal, unless it would then be higher than this many screens."""

CUBE: Final = np.array([0, 95, 135, 175, 215, 255])  # xterm's colours 16–231: 6 levels a channel
GRAYS: Final = np.arange(8, 248, 10)  # xterm's colours 232–255


def terminal() -> TextIO | None:
    """Standard output if it is a terminal."""
    return sys.stdout if sys.stdout.isatty() else None


def has_true_color(environ: Mapping[str, str]) -> bool:
    """Whether the terminal says that it shows 24-bit colours."""
    return environ.get("COLORTERM", "").lower() in TRUE_COLOR


def fitting(width: int, height: int, screen: os.terminal_size) -> Thumbnail:
    """A thumbnail of a picture of that size, as large as the terminal shows it."""
    columns = min(width, screen.columns)
    rows = min(max(round(columns * height / width), 1), height)
    most = SCREENS * 2 * screen.lines
    if rows > most:
        columns, rows = min(max(round(most * width / height), 1), width), most
    return Thumbnail(width=width, height=height, columns=columns, rows=rows)


def screen_of(stream: TextIO) -> os.terminal_size:
    """The size of a terminal; 80×24 where it doesn't know."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except OSError:
        size = os.terminal_size((0, 0))
    return size if size.columns and size.lines else shutil.get_terminal_size()


def half_blocks(rgb: "NDArray[np.uint8]", *, true_color: bool) -> Iterator[str]:
    """The lines that draw the pixels (rows, columns, 3), in 24-bit colours or xterm's 256."""
    codes = _true_codes(rgb) if true_color else _xterm_codes(rgb)
    for upper in range(0, len(codes), 2):
        lower = codes[upper + 1] if upper + 1 < len(codes) else None
        yield _line(codes[upper], lower)


def _line(upper: list[str], lower: list[str] | None) -> str:
    """A line of characters; a colour is set only where it changes."""
    parts: list[str] = []
    before = ("", "")
    for column, color in enumerate(upper):
        background = f"48;{lower[column]}" if lower else DEFAULT_BACKGROUND
        now = (f"38;{color}", background)
        changed = [new for new, old in zip(now, before, strict=True) if new != old]
        if changed:
            parts.append(f"\x1b[{';'.join(changed)}m")
        parts.append(UPPER_HALF)
        before = now
    return "".join([*parts, RESET])


def _true_codes(rgb: "NDArray[np.uint8]") -> list[list[str]]:
    return [[f"2;{red};{green};{blue}" for red, green, blue in row] for row in rgb.tolist()]


def _xterm_codes(rgb: "NDArray[np.uint8]") -> list[list[str]]:
    """The nearest of xterm's colour cube and grays, whichever is nearer."""
    pixels = rgb.astype(np.int64)
    levels = np.abs(pixels[..., None] - CUBE).argmin(axis=-1)
    gray = np.abs(pixels.mean(axis=-1)[..., None] - GRAYS).argmin(axis=-1)
    cube_error = ((CUBE[levels] - pixels) ** 2).sum(axis=-1)
    gray_error = ((GRAYS[gray][..., None] - pixels) ** 2).sum(axis=-1)
    cube = 16 + levels @ np.array([36, 6, 1])
    codes = np.where(gray_error < cube_error, 232 + gray, cube)
    return [[f"5;{code}" for code in row] for row in codes.tolist()]

"""The colours of a picture as the loops look them up: computed once for all pictures that have the same."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.color.palettes import expand
from fractal_kernel.color.srgb import encode, linear_light

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT: Final = 8
"""Pairs of tables, 64 KiB each, that are kept for the pictures to come: a rank would wait for them before each."""


@lru_cache(maxsize=KEPT)
def color_tables(palette: str, colors: tuple[str, ...], inside: str) -> "tuple[NDArray[np.float32], NDArray[np.uint8]]":
    """The palette's entries and then the inside's colour: linear light, shape (4097, 3), and sRGB bytes, (4097, 4).

    The fourth byte is not used. KeyError for a palette that there isn't, ValueError for a colour in another form.
    """
    light = np.vstack([expand(palette, colors), linear_light(inside)])
    rgbx = np.pad(encode(light), ((0, 0), (0, 1)))
    for table in (light, rgbx):
        table.flags.writeable = False  # every picture of the process shares it
    return light, rgbx

"""What a Grid picture is, in NumPy: the compiled loops (escape/grid.py) must equal it to the bit.

Everything is one NumPy operation for one rounding, in the order in which it is defined. No shortcut of the loops
(lanes, repeats of z) is repeated here.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from fractal_kernel.color.palettes import ENTRIES, expand
from fractal_kernel.color.srgb import encode, linear_light
from fractal_kernel.slow.fma import fma
from fractal_kernel.slow.log2 import log2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import GridDefinition

    Doubles = NDArray[np.float64]
    Integers = NDArray[np.int64]

_ESCAPE: Final = 1e6
"""The square of the escape radius, 1000."""

_SCALE: Final = 0.050171665943996864
"""1 / log2(1000²)."""

_TURN: Final = 64.0
"""Iterations that one turn of the palette covers, at scale 1."""


def render(definition: "GridDefinition", rect: "Rect") -> "NDArray[np.uint8]":
    """The sRGB bytes of a rectangle, shape (height, width, 3), row 0 at the top."""
    counts, fractions = escapes(definition, rect)
    nu = counts.astype(np.float64) + fractions
    u = definition.offset + definition.scale * nu / _TURN
    entries = (ENTRIES * (u - np.floor(u))).astype(np.int64) % ENTRIES
    palette, inside = expand(definition.palette, definition.colors), linear_light(definition.inside)
    light = np.where((counts < 0)[..., np.newaxis], inside, palette[entries])
    total = np.zeros((rect.height, rect.width, 3), dtype=np.float32)
    samples = definition.frame.side**2
    for sample in range(samples):
        total = total + light[..., sample, :]
    return encode(total / np.float32(samples))


def counts(definition: "GridDefinition", rect: "Rect") -> "Integers":
    """The n of each pixel's first sample, −1 inside; shape (height, width), row 0 at the top."""
    rows, columns = np.mgrid[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    return escape_indices(definition, columns, rows)


def escape_indices(definition: "GridDefinition", columns: "Integers", rows: "Integers") -> "Integers":
    """The n of the first samples of pixels in these columns and rows (from the top), −1 inside; of their shape."""
    zero = np.zeros_like(columns)
    return _run(definition, *_samples(definition, columns, rows, (zero, zero)))[0]


def escapes(definition: "GridDefinition", rect: "Rect") -> "tuple[Integers, Doubles]":
    """The n and f of each sample's ν = n + f, −1 and 0.0 inside; shape (height, width, samples), sx outer."""
    side = definition.frame.side
    rows, columns, sx, sy = np.mgrid[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width, :side, :side]
    n, modulus = _run(definition, *_samples(definition, columns, rows, (sx, sy)))
    escaped = n >= 0
    fractions = np.zeros(n.shape)
    fractions[escaped] = 1.0 - log2(log2(modulus[escaped]) * _SCALE)
    shape = (rect.height, rect.width, side * side)
    return n.reshape(shape), fractions.reshape(shape)


def _samples(
    definition: "GridDefinition", columns: "Integers", rows: "Integers", sub: "tuple[Integers, Integers]"
) -> "tuple[Doubles, Doubles]":
    """The points of samples (sx, sy) of pixels."""
    frame, (sx, sy) = definition.frame, sub
    width, height, side = float(frame.width), float(frame.height), float(frame.side)
    up = frame.height - 1 - rows
    with np.errstate(all="ignore"):
        u = ((columns + (sx + 0.5) / side) / width - 0.5) * (width / height) / definition.zoom
        v = ((up + (sy + 0.5) / side) / height - 0.5) / definition.zoom
        if definition.matrix is not None:
            m00, m01, m10, m11 = definition.matrix
            u, v = m00 * u + m01 * v, m10 * u + m11 * v
        return u + definition.center_re, v + definition.center_im


def _run(definition: "GridDefinition", re: "Doubles", im: "Doubles") -> "tuple[Integers, Doubles]":
    """The first n of 0 … max_iterations with |z_n| > 1000, −1 without one, and its |z_n|², a finite one."""
    if definition.max_iterations is None:
        raise ValueError("the coarse pass must have decided max_iterations before a picture is rendered")
    n = np.full(re.size, -1, dtype=np.int64)
    modulus = np.zeros(re.size)
    index = np.arange(re.size)
    orbits = np.zeros((4, re.size))
    orbits[0:2] = (re.ravel(), im.ravel()) if definition.julia else 0.0
    orbits[2], orbits[3] = (definition.julia_re, definition.julia_im) if definition.julia else (re.ravel(), im.ravel())
    with np.errstate(all="ignore"):
        for step in range(definition.max_iterations + 1):
            m = _modulus(orbits)
            going = m <= _ESCAPE
            n[index[~going]] = step
            modulus[index[~going]] = np.fmin(m[~going], np.finfo(np.float64).max)
            index, orbits = index[going], orbits[:, going]
            if not index.size:
                break
            orbits = _step(orbits)
    return n.reshape(re.shape), modulus.reshape(re.shape)


def _modulus(orbits: "Doubles") -> "Doubles":
    x, y, _, _ = orbits
    return fma(x, x, y * y)


def _step(orbits: "Doubles") -> "Doubles":
    x, y, cr, ci = orbits
    t = fma(-y, y, cr)
    return np.stack([fma(x, x, t), fma(x + x, y, ci), cr, ci])

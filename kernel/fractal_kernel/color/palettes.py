"""The palettes: closed loops of 4096 colours in linear light.

A palette is a closed cubic B-spline through the OKLab space (Björn Ottosson, 2020), given by its control points. It is
expanded with additions and multiplications only, each rounded once, so that every machine gets the same entries.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fractal_kernel.color.srgb import linear_light

ENTRIES: Final = 4096
"""Entries of an expanded palette."""

_EMBER: Final = (
    (0.1095, 0.0133, -0.0159),
    (0.1534, 0.0323, -0.0132),
    (0.2149, 0.0627, -0.0079),
    (0.3103, 0.1029, 0.0265),
    (0.4301, 0.1418, 0.0683),
    (0.5509, 0.1696, 0.1038),
    (0.6517, 0.1541, 0.1284),
    (0.7424, 0.0939, 0.1475),
    (0.8322, 0.0271, 0.1553),
    (0.9192, -0.0061, 0.1127),
    (0.9783, -0.002, 0.0322),
    (0.9006, 0.0139, 0.081),
    (0.7052, 0.0725, 0.0902),
    (0.4998, 0.0923, 0.0511),
    (0.325, 0.0728, 0.0064),
    (0.1853, 0.0335, -0.0129),
)
_OCEAN: Final = (
    (0.1533, -0.0086, -0.0454),
    (0.2114, -0.0113, -0.0735),
    (0.2895, -0.0181, -0.0991),
    (0.3856, -0.0304, -0.1126),
    (0.4934, -0.0497, -0.1083),
    (0.6087, -0.0786, -0.0775),
    (0.7163, -0.1038, -0.0353),
    (0.8197, -0.0974, 0.0033),
    (0.9242, -0.052, 0.0154),
    (0.9888, -0.0152, 0.0105),
    (0.9329, -0.0264, 0.0074),
    (0.8145, -0.0588, -0.03),
    (0.6436, -0.0572, -0.0748),
    (0.4737, -0.0363, -0.0947),
    (0.3285, -0.0201, -0.0897),
    (0.2133, -0.0101, -0.0678),
)
# Spaced so that the colour's steps along the loop are equal in OKLab, to half a percent.
_SPECTRUM: Final = (
    (0.42488, 0.02794, -0.19876),
    (0.43873, 0.00981, -0.19979),
    (0.4572, -0.00312, -0.19911),
    (0.4774, -0.0127, -0.19714),
    (0.49814, -0.02059, -0.194),
    (0.51896, -0.02767, -0.18968),
    (0.5396, -0.03441, -0.18416),
    (0.55992, -0.04101, -0.17741),
    (0.57981, -0.0476, -0.16946),
    (0.59919, -0.05422, -0.16039),
    (0.61804, -0.0609, -0.15028),
    (0.63631, -0.06765, -0.13921),
    (0.65397, -0.07448, -0.12722),
    (0.67095, -0.0814, -0.11435),
    (0.68719, -0.08841, -0.10059),
    (0.70258, -0.09551, -0.08594),
    (0.71706, -0.10263, -0.07039),
    (0.73061, -0.10962, -0.05396),
    (0.74327, -0.11626, -0.03671),
    (0.75519, -0.12227, -0.01872),
    (0.76659, -0.12732, -0.0001),
    (0.77774, -0.13104, 0.01898),
    (0.78887, -0.1331, 0.03833),
    (0.80016, -0.13319, 0.05771),
    (0.81163, -0.13102, 0.07686),
    (0.82317, -0.12616, 0.09549),
    (0.83448, -0.11799, 0.11312),
    (0.84483, -0.10562, 0.1289),
    (0.85279, -0.08854, 0.14148),
    (0.85654, -0.06766, 0.14957),
    (0.85498, -0.04534, 0.15306),
    (0.84842, -0.02376, 0.15316),
    (0.838, -0.00392, 0.1513),
    (0.82496, 0.01412, 0.14844),
    (0.81028, 0.03071, 0.14503),
    (0.79464, 0.04629, 0.14121),
    (0.77848, 0.06122, 0.13697),
    (0.76211, 0.07577, 0.13227),
    (0.74572, 0.09012, 0.12707),
    (0.72943, 0.10436, 0.12125),
    (0.71333, 0.11848, 0.11469),
    (0.69744, 0.13239, 0.10721),
    (0.68179, 0.14593, 0.09861),
    (0.66642, 0.15883, 0.08862),
    (0.65143, 0.17078, 0.07699),
    (0.63695, 0.18137, 0.06351),
    (0.62315, 0.19017, 0.04816),
    (0.61012, 0.19682, 0.03114),
    (0.59782, 0.20111, 0.01287),
    (0.58608, 0.20302, -0.00615),
    (0.57464, 0.20262, -0.02543),
    (0.56321, 0.20004, -0.04455),
    (0.55156, 0.19546, -0.06315),
    (0.53956, 0.18905, -0.08097),
    (0.52714, 0.18104, -0.09783),
    (0.51434, 0.17162, -0.11364),
    (0.50123, 0.16098, -0.12837),
    (0.48786, 0.14922, -0.14199),
    (0.47431, 0.13642, -0.15443),
    (0.46068, 0.12256, -0.16559),
    (0.44725, 0.10749, -0.17535),
    (0.4347, 0.09083, -0.18363),
    (0.42458, 0.07188, -0.19038),
    (0.42002, 0.05018, -0.19556),
)

_CONTROL_POINTS: Final = {"ember": _EMBER, "ocean": _OCEAN, "spectrum": _SPECTRUM}

NAMES: Final = tuple(_CONTROL_POINTS)
"""The palettes there are."""


def expand(name: str, colors: Sequence[str]) -> NDArray[np.float32]:
    """The palette through `colors` ("#rrggbb"), or without any the one called `name`; linear light, shape (4096, 3).

    KeyError for a name not in NAMES, ValueError for a colour in another form.
    """
    return _blended_palette(colors) if colors else _named_palette(name)


def _named_palette(name: str) -> NDArray[np.float32]:
    return np.clip(oklab_to_linear(oklab_loop(name)), 0.0, 1.0).astype(np.float32)


def _blended_palette(colors: Sequence[str]) -> NDArray[np.float32]:
    """The colours at equal distances and back to the first; between two of them their light is mixed."""
    stops = np.array([linear_light(color) for color in colors], dtype=np.float64)
    position = np.arange(ENTRIES) * len(stops)
    stop, way = position // ENTRIES, (position % ENTRIES)[:, np.newaxis] / ENTRIES
    here, there = stops[stop], stops[(stop + 1) % len(stops)]
    return (here + way * (there - here)).astype(np.float32)


def oklab_loop(name: str) -> NDArray[np.float64]:
    """The OKLab values (L, a, b) of a palette's entries, shape (4096, 3); KeyError for a name not in NAMES."""
    points = np.array(_CONTROL_POINTS[name], dtype=np.float64)
    per_point = ENTRIES // len(points)
    t = (np.arange(per_point) / per_point)[np.newaxis, :, np.newaxis]
    before, here, after, then = (np.roll(points, shift, axis=0)[:, np.newaxis] for shift in (1, 0, -1, -2))
    s = 1.0 - t
    sixth = 1.0 / 6.0
    spline = (
        s * s * s * sixth * before
        + ((3.0 * t - 6.0) * t * t + 4.0) * sixth * here
        + (((3.0 - 3.0 * t) * t + 3.0) * t + 1.0) * sixth * after
        + t * t * t * sixth * then
    )
    return spline.reshape(ENTRIES, 3)


def oklab_to_linear(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear sRGB of OKLab values, shape (…, 3); written out, since a matrix product may fuse its roundings."""
    lightness, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    long = _cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
    medium = _cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
    short = _cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return np.stack([red, green, blue], axis=-1)


def _cube(root: NDArray[np.float64]) -> NDArray[np.float64]:
    return root * root * root

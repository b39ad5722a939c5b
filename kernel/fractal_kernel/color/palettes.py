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
    (0.9783, -0.0020, 0.0322),
    (0.9006, 0.0139, 0.0810),
    (0.7052, 0.0725, 0.0902),
    (0.4998, 0.0923, 0.0511),
    (0.3250, 0.0728, 0.0064),
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
    (0.9242, -0.0520, 0.0154),
    (0.9888, -0.0152, 0.0105),
    (0.9329, -0.0264, 0.0074),
    (0.8145, -0.0588, -0.0300),
    (0.6436, -0.0572, -0.0748),
    (0.4737, -0.0363, -0.0947),
    (0.3285, -0.0201, -0.0897),
    (0.2133, -0.0101, -0.0678),
)
# The sides of this polygon are equal: so are the steps of the colour, in OKLab.
_SPECTRUM: Final = (
    (0.4234, 0.0273, -0.1991),
    (0.4373, 0.0096, -0.2001),
    (0.4559, -0.0031, -0.1994),
    (0.4763, -0.0126, -0.1975),
    (0.4972, -0.0204, -0.1944),
    (0.5182, -0.0275, -0.1901),
    (0.5390, -0.0342, -0.1846),
    (0.5595, -0.0408, -0.1778),
    (0.5795, -0.0475, -0.1698),
    (0.5990, -0.0541, -0.1607),
    (0.6179, -0.0608, -0.1505),
    (0.6363, -0.0676, -0.1394),
    (0.6541, -0.0745, -0.1274),
    (0.6712, -0.0814, -0.1144),
    (0.6875, -0.0885, -0.1006),
    (0.7030, -0.0956, -0.0858),
    (0.7175, -0.1028, -0.0702),
    (0.7311, -0.1099, -0.0536),
    (0.7438, -0.1166, -0.0362),
    (0.7557, -0.1227, -0.0181),
    (0.7671, -0.1277, 0.0007),
    (0.7783, -0.1315, 0.0199),
    (0.7895, -0.1335, 0.0394),
    (0.8008, -0.1335, 0.0589),
    (0.8123, -0.1312, 0.0781),
    (0.8239, -0.1263, 0.0968),
    (0.8353, -0.1181, 0.1144),
    (0.8457, -0.1057, 0.1301),
    (0.8537, -0.0886, 0.1425),
    (0.8574, -0.0678, 0.1504),
    (0.8559, -0.0456, 0.1536),
    (0.8493, -0.0240, 0.1535),
    (0.8388, -0.0042, 0.1515),
    (0.8256, 0.0139, 0.1486),
    (0.8108, 0.0305, 0.1452),
    (0.7950, 0.0461, 0.1413),
    (0.7787, 0.0611, 0.1371),
    (0.7622, 0.0757, 0.1324),
    (0.7457, 0.0902, 0.1272),
    (0.7293, 0.1045, 0.1213),
    (0.7131, 0.1187, 0.1147),
    (0.6971, 0.1327, 0.1072),
    (0.6814, 0.1464, 0.0986),
    (0.6659, 0.1594, 0.0886),
    (0.6509, 0.1714, 0.0769),
    (0.6363, 0.1820, 0.0633),
    (0.6225, 0.1908, 0.0478),
    (0.6095, 0.1974, 0.0307),
    (0.5972, 0.2016, 0.0122),
    (0.5855, 0.2034, -0.0070),
    (0.5741, 0.2029, -0.0264),
    (0.5627, 0.2002, -0.0456),
    (0.5510, 0.1955, -0.0643),
    (0.5389, 0.1889, -0.0822),
    (0.5264, 0.1807, -0.0991),
    (0.5135, 0.1711, -0.1149),
    (0.5003, 0.1603, -0.1296),
    (0.4868, 0.1484, -0.1432),
    (0.4732, 0.1355, -0.1556),
    (0.4595, 0.1215, -0.1668),
    (0.4459, 0.1063, -0.1764),
    (0.4332, 0.0895, -0.1846),
    (0.4230, 0.0706, -0.1912),
    (0.4184, 0.0490, -0.1961),
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
    return np.clip(_oklab_to_linear(oklab_loop(name)), 0.0, 1.0).astype(np.float32)


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


def _oklab_to_linear(lab: NDArray[np.float64]) -> NDArray[np.float64]:
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

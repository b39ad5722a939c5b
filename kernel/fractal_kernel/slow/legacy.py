"""What a Legacy picture is, in NumPy: the compiled kernel (escape/legacy.py) must equal it byte for byte.

The earlier system took its logarithms and cosines from the C library. NumPy's own differ from those in the last bit,
so that they are called here through ctypes, one value at a time. Everything else is one NumPy operation for one
rounding, in the order in which the formulas are written. No shortcut of the kernel (blocks of steps, periods) is
repeated here.
"""

import ctypes
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from ctypes import _NamedFuncPointer

    from numpy.typing import NDArray

    from fractal_api.tiling import Rect
    from fractal_kernel.definition import LegacyDefinition

    Doubles = NDArray[np.float64]
    Floats = NDArray[np.float32]
    Channels = tuple[Doubles | Floats, Doubles | Floats, Doubles | Floats]

_LIBM: Final = ctypes.CDLL("libm.so.6")

_LN_2: Final = 0.69314718056
_LN_4: Final = 1.38629436112
"""The earlier system's constants: not the nearest doubles to ln 2 and ln 4."""


def _libm(name: str, c_type: type[ctypes.c_double | ctypes.c_float]) -> "Callable[[NDArray[np.floating]], Doubles]":
    """The C library's function of that name, for arrays; a float's result is exact in the doubles returned."""
    function: _NamedFuncPointer = getattr(_LIBM, name)
    function.argtypes, function.restype = [c_type], c_type
    elementwise = np.frompyfunc(function, 1, 1)
    return lambda values: np.asarray(elementwise(values), dtype=np.float64)


_log = _libm("log", ctypes.c_double)
_log2 = _libm("log2", ctypes.c_double)
_cos = _libm("cos", ctypes.c_double)
_cosf_exact = _libm("cosf", ctypes.c_float)
_sinf_exact = _libm("sinf", ctypes.c_float)


def _cosf(values: "Floats") -> "Floats":
    return _cosf_exact(values).astype(np.float32)


def _sinf(values: "Floats") -> "Floats":
    return _sinf_exact(values).astype(np.float32)


def render(definition: "LegacyDefinition", rect: "Rect") -> "NDArray[np.uint8]":
    """The bytes of a rectangle, shape (height, width, 3), row 0 at the top."""
    side = definition.frame.side
    sums = np.zeros((rect.height, rect.width, 3), dtype=np.float32)
    with np.errstate(all="ignore"):
        for sx in range(side):
            for sy in range(side):
                sums += _sample(definition, rect, sx, sy)
        values = sums / np.float32(side * side) * np.float32(255)
        return np.where(np.isnan(values), 0, values).astype(np.uint8)


def counts(definition: "LegacyDefinition", rect: "Rect") -> "NDArray[np.int64]":
    """The iterations at which each pixel's first sample escaped, shape (height, width), −1 where it did not."""
    with np.errstate(all="ignore"):
        n, norm = _escape(definition, *_points(definition, rect, 0, 0))
        return np.where(norm < 4, -1, n)


def _sample(definition: "LegacyDefinition", rect: "Rect", sx: int, sy: int) -> "Floats":
    """The colour of sample (sx, sy) of each pixel, shape (height, width, 3), in [0, 1] or NaN."""
    t = _share(definition, *_escape(definition, *_points(definition, rect, sx, sy)))
    color = np.stack([channel.astype(np.float32) for channel in _COLORS[definition.color_mode](t)], axis=-1)
    if definition.color_mode >= _FIRST_WITH_BLACK:
        color[np.abs(t - 1) < 1e-6] = 0
    return color


def _points(definition: "LegacyDefinition", rect: "Rect", sx: int, sy: int) -> "tuple[Doubles, Doubles]":
    """The points of sample (sx, sy), which lies (sx/n)/W of a pixel to the right: the earlier system's mistake."""
    frame = definition.frame
    width, height, side = float(frame.width), float(frame.height), frame.side
    px = np.arange(rect.x, rect.x + rect.width, dtype=np.float64)
    py = height - 1 - np.arange(rect.y, rect.y + rect.height, dtype=np.float64)
    nx = ((px + (1 / width) * (sx / side)) / width - 0.5) * (width / height)
    ny = (py + (1 / height) * (sy / side)) / height - 0.5
    wx, wy = np.meshgrid(nx / definition.zoom + definition.center_re, ny / definition.zoom + definition.center_im)
    return wx, wy


def _escape(definition: "LegacyDefinition", wx: "Doubles", wy: "Doubles") -> "tuple[NDArray[np.int64], Doubles]":
    """The steps done and |z|² after them; |z|² < 4 means that the limit ended them."""
    if definition.julia:
        zx, zy = wx, wy
        cx, cy = np.full_like(wx, definition.julia_re), np.full_like(wy, definition.julia_im)
    else:
        zx, zy = np.zeros_like(wx), np.zeros_like(wy)
        cx, cy = wx, wy
    n = np.zeros(wx.shape, dtype=np.int64)
    for _ in range(definition.max_iterations):
        zx2, zy2 = zx * zx, zy * zy
        going = zx2 + zy2 < 4
        if not going.any():
            break
        zy = np.where(going, 2 * zx * zy + cy, zy)
        zx = np.where(going, zx2 - zy2 + cx, zx)
        n += going
    return n, zx * zx + zy * zy


def _share(definition: "LegacyDefinition", n: "NDArray[np.int64]", norm: "Doubles") -> "Floats":
    """t: the smooth count as a share of the limit, in [0, 1]; NaN for inside points nearer than 1 to the origin."""
    if definition.julia:
        smooth = n - _log2(_log(norm) / _LN_4)
    else:
        smooth = np.where(norm == 0, n, n - _log2(_log(norm) / 2 / _LN_2))
    t: Floats = np.clip((smooth / definition.max_iterations).astype(np.float32), np.float32(0), np.float32(1))
    return t


# Below, a number takes the type of the array that it meets (NumPy 2): `0.5 * t` is a product of float32 when t is
# float32, and of doubles where t was widened.


def _white(t: "Floats") -> "Channels":
    white = (t > 0).astype(np.float32)
    return white, white, white


def _gray(t: "Floats") -> "Channels":
    return t, t, t


def _polynomials(t: "Floats") -> "Channels":
    o, w = _wide(1 - t), _wide(t)
    return 9 * o * w * w * w, 15 * o * o * w * w, 8.5 * o * o * o * w


def _cosines_3(t: "Floats") -> "Channels":
    a = 3 + 0.15 * (100 * t)
    return 0.5 + 0.5 * _cosf(a), 0.5 + 0.5 * _cosf(a + 0.6), 0.5 + 0.5 * _cosf(a + 1.0)


def _cosines_4(t: "Floats") -> "Channels":
    d = 200 * t
    return 0.5 + 0.5 * _cosf(d + 3), 0.5 + 0.5 * _cosf(0.5 * d + 0.6), 0.5 + 0.5 * _sinf(0.35 * d + 1)


def _cosines_5(t: "Floats") -> "Channels":
    d, w = 200 * t, _wide(200 * t)
    return 0.5 + 0.5 * _cosf(d), 0.5 + 0.5 * _cos(w + 1.33), 0.5 + 0.5 * _cos(w + 2.66)


def _cosines_6(t: "Floats") -> "Channels":
    w = _wide(200 * t)
    return 0.5 + 0.5 * _cos(w), 0.4 + 0.4 * _cos(w + 2), 0.2 + 0.2 * _cos(w + 4)


def _cosines_7(t: "Floats") -> "Channels":
    w = _wide(200 * t)
    return 0.2 + 0.2 * _cos(w + 4), 0.5 + 0.5 * _cos(w + 2), 0.7 + 0.3 * _cos(w)


def _cosines_8(t: "Floats") -> "Channels":
    w = _wide(200 * t)
    return 0.5 + 0.5 * _cos(6 * w), 0.5 + 0.5 * _cos(6 * w + 2), 0.5 + 0.5 * _cos(6 * w + 4)


def _wide(values: "Floats") -> "Doubles":
    return values.astype(np.float64)


_COLORS: "Final[tuple[Callable[[Floats], Channels], ...]]" = (
    _white,
    _gray,
    _polynomials,
    _cosines_3,
    _cosines_4,
    _cosines_5,
    _cosines_6,
    _cosines_7,
    _cosines_8,
)
"""By colour mode."""

_FIRST_WITH_BLACK: Final = 3
"""From this colour mode on, a sample whose t is 1 within a millionth is black."""

"""How deep a view can be before doubles no longer tell its samples apart: decided from the spec alone.

A view is deep when its samples lie closer than 2^13 ulp of the larger centre coordinate. Below 2^13, rounding moves
the escape of several percent of all samples by more than one iteration.
"""

import math
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from typing import Final

from fractal_api.errors import PermanentError

_ULPS: Final = 1 << 13

_SMALLEST_COORDINATE: Final = 1e-290
"""Offsets from a centre near 0 are doubles as well: they must stay far from the subnormal ones."""


class DepthNotSupported(PermanentError):  # noqa: N818 - the reason of a condition has this name
    """The view is too deep for the kernel; the message names the deepest zoom that it can render there."""


def check_depth(zoom: Decimal, coordinate: float, samples: int, squeeze: Decimal) -> None:
    """DepthNotSupported unless doubles suffice.

    `coordinate` is the larger coordinate of the centre, `samples` the number of them along the picture's height, and
    `squeeze` the factor, at most 1, by which a stretch brings them closer.
    """
    with localcontext(Context(prec=60, rounding=ROUND_DOWN)):  # the limit that is named must be one that passes
        closest = Decimal(math.ulp(max(abs(coordinate), _SMALLEST_COORDINATE))) * _ULPS
        if squeeze < closest * zoom * samples:
            deepest = squeeze / (closest * samples)
            raise DepthNotSupported(
                f"spec.fractal.zoom must be at most {deepest:.6g} at this centre with {samples:,} samples along the "
                f"height, not {zoom:.6g}: deeper views than doubles can resolve are not supported yet"
            )

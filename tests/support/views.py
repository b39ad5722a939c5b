"""Definitions of pictures to render: what a spec becomes, without its parser."""

from dataclasses import replace
from typing import Final

from fractal_kernel.definition import Frame, GridDefinition, LegacyDefinition


def seahorse(
    width: int, height: int, *, max_iterations: int | None = None, block_size: int = 64, zoom: float = 100.0
) -> GridDefinition:
    """The valley of seahorses: cheap and dear parts side by side, and some inside."""
    return GridDefinition(
        frame=Frame(width=width, height=height, side=1, block_size=block_size),
        julia=False,
        julia_re=0.0,
        julia_im=0.0,
        center_re=-0.75,
        center_im=0.1,
        zoom=zoom,
        matrix=None,
        max_iterations=max_iterations,
        palette="",
        colors=("#102040", "#f0c080", "#a03050"),
        inside="#000000",
        offset=0.0,
        scale=1.0,
    )


def legacy(width: int, height: int, *, max_iterations: int = 128, block_size: int = 64) -> LegacyDefinition:
    """The whole set, as the earlier system drew it."""
    return LegacyDefinition(
        frame=Frame(width=width, height=height, side=1, block_size=block_size),
        julia=False,
        julia_re=0.0,
        julia_im=0.0,
        center_re=-0.5,
        center_im=0.0,
        zoom=0.4,
        max_iterations=max_iterations,
        color_mode=1,
    )


_LARGE: Final = seahorse(4096, 4096, max_iterations=2000)
ENDLESS: Final = replace(_LARGE, frame=replace(_LARGE.frame, side=16))
"""A picture that takes minutes, and none of its tiles more than a second."""

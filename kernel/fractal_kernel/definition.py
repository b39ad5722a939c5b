"""A picture as plain numbers: what the kernel needs of a spec, every decimal rounded once.

A definition travels to the ranks as JSON, whose floats round-trip to the bit. This module must not import pydantic at
run time: ranks stay small.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fractal_api.tiling import TileGrid, tile_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The pixels of a picture: its size, the samples along a pixel's side, and the block size asked for."""

    width: int
    height: int
    side: int
    block_size: int

    @property
    def grid(self) -> TileGrid:
        """The tiles that the store holds."""
        return tile_grid(self.width, self.height, self.block_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyDefinition:
    """A picture of the earlier system, equal to it byte for byte."""

    frame: Frame
    julia: bool
    julia_re: float
    julia_im: float
    center_re: float
    center_im: float
    zoom: float
    max_iterations: int
    color_mode: int
    sampling: Literal["Legacy"] = "Legacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridDefinition:
    """A picture sampled at pixel centres, with smooth colours averaged in linear light.

    `matrix` is None without rotation and stretch; `max_iterations` is None until the coarse pass has decided `auto`.
    `palette` names a palette, or is empty when `colors` ("#rrggbb") are given.
    """

    frame: Frame
    julia: bool
    julia_re: float
    julia_im: float
    center_re: float
    center_im: float
    zoom: float
    matrix: tuple[float, float, float, float] | None
    max_iterations: int | None
    palette: str
    colors: tuple[str, ...]
    inside: str
    offset: float
    scale: float
    sampling: Literal["Grid"] = "Grid"


Definition = GridDefinition | LegacyDefinition


def to_json(definition: Definition) -> dict[str, Any]:
    """The definition as JSON values."""
    return dataclasses.asdict(definition)


def from_json(values: Mapping[str, Any]) -> Definition:
    """The definition that `to_json` wrote; KeyError or TypeError on anything else."""
    fields = dict(values)
    fields["frame"] = Frame(**fields["frame"])
    if fields["sampling"] == "Legacy":
        return LegacyDefinition(**fields)
    fields["colors"] = tuple(fields["colors"])
    fields["matrix"] = None if fields["matrix"] is None else tuple(fields["matrix"])
    return GridDefinition(**fields)

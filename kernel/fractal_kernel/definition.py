"""A picture as plain numbers: what the kernel needs of a spec, every decimal rounded once.

A definition travels to the ranks as JSON, whose floats round-trip to the bit. This module must not import pydantic at
run time: ranks stay small.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from fractal_api.decimals import to_decimal, to_float
from fractal_api.tiling import TileGrid, tile_grid
from fractal_kernel.depth import check_depth
from fractal_kernel.orientation import orientation

if TYPE_CHECKING:
    from fractal_api.jobs import FractalJobSpec


class _View(TypedDict):
    """What both kinds of pictures say of their view."""

    julia: bool
    julia_re: float
    julia_im: float
    center_re: float
    center_im: float
    zoom: float


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


def define(spec: "FractalJobSpec") -> Definition:
    """The picture that a spec asks for; DepthNotSupported when doubles can't resolve it."""
    return _define_legacy(spec) if spec.legacy else _define_grid(spec)


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


def _define_legacy(spec: "FractalJobSpec") -> LegacyDefinition:
    if spec.max_iterations is None or spec.color.legacy_mode is None:
        raise ValueError("a Legacy picture has a number of iterations and a colour mode")
    return LegacyDefinition(
        frame=_frame(spec),
        **_view(spec),
        max_iterations=spec.max_iterations,
        color_mode=spec.color.legacy_mode,
    )


def _define_grid(spec: "FractalJobSpec") -> GridDefinition:
    fractal, color = spec.fractal, spec.color
    stretch = fractal.stretch
    angle, amount = (to_decimal(stretch.angle), to_decimal(stretch.amount)) if stretch else (Decimal(0), Decimal(1))
    frame, view = _frame(spec), _view(spec)
    check_depth(
        zoom=to_decimal(fractal.zoom),
        coordinate=max(abs(view["center_re"]), abs(view["center_im"])),
        samples=frame.height * frame.side,
        squeeze=min(amount, Decimal(1)),
    )
    return GridDefinition(
        frame=frame,
        **view,
        matrix=orientation(to_decimal(fractal.rotation), angle, amount),
        max_iterations=spec.max_iterations,
        palette="" if spec.palette is None else str(spec.palette),
        colors=tuple(color.colors or ()),
        inside=color.inside,
        offset=color.offset,
        scale=color.scale,
    )


def _frame(spec: "FractalJobSpec") -> Frame:
    image = spec.image
    return Frame(width=image.width, height=image.height, side=image.side, block_size=image.block_size)


def _view(spec: "FractalJobSpec") -> _View:
    """Which set, and where: every decimal rounded once."""
    fractal, julia = spec.fractal, spec.fractal.julia
    return {
        "julia": julia is not None,
        "julia_re": 0.0 if julia is None else to_float(julia.re),
        "julia_im": 0.0 if julia is None else to_float(julia.im),
        "center_re": to_float(fractal.center.re),
        "center_im": to_float(fractal.center.im),
        "zoom": to_float(fractal.zoom),
    }

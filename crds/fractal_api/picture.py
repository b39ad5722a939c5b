"""The parts of a FractalJob that define its picture: which view of which set, its pixels, and its colours."""

from enum import StrEnum
from math import isqrt
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from fractal_api.constraints import Coordinate, Degrees, HexColor, OneOf, Part, StretchFactor, Words, Zoom
from fractal_api.errors import SpecError

SAMPLES: Final = tuple(side * side for side in range(1, 17))
"""The samples that a pixel may have: squares."""

MAX_ITERATIONS: Final = 2**31 - 1

REDIS_MAX_PIXELS: Final = 2**26
"""Pixels of a picture that the Redis store takes; file stores take any size."""


class FractalType(StrEnum):
    """The sets that can be drawn."""

    MANDELBROT = "Mandelbrot"
    JULIA = "Julia"


class Sampling(StrEnum):
    """Where the samples of a pixel lie, and with it the whole arithmetic of a picture."""

    GRID = "Grid"
    LEGACY = "Legacy"


class Palette(StrEnum):
    """The palettes that have names."""

    EMBER = "ember"
    OCEAN = "ocean"
    SPECTRUM = "spectrum"


class Julia(Part):
    """The constant of a Julia set."""

    re: Coordinate = Field(description="Real part of the constant.")
    im: Coordinate = Field(description="Imaginary part of the constant.")


class Center(Part):
    """The point in the middle of the picture."""

    re: Coordinate = Field(description="Real part of the centre.")
    im: Coordinate = Field(description="Imaginary part of the centre; it grows upwards.")


class Stretch(Part):
    """A stretch of the view's content along one direction."""

    angle: Degrees = Field(
        default="0", description="Direction of the stretch in degrees, counterclockwise from the real axis."
    )
    amount: StretchFactor = Field(
        description="Factor of lengths along that direction: 2 shows twice as much of the plane; 1 changes nothing."
    )


def _middle(values: dict[str, Any]) -> Center:
    """The centre that shows a whole set: Julia sets lie around 0, the Mandelbrot set around −0.5."""
    return Center(re="0" if values.get("type") is FractalType.JULIA else "-0.5", im="0")


class FractalPart(Part):
    """The view: which set, where, and how deep."""

    type: FractalType = Field(default=FractalType.MANDELBROT, strict=False, description="The set that is drawn.")
    julia: Julia | None = Field(
        default=None, description="The constant c of z² + c. Given with type Julia, and only then."
    )
    center: Annotated[Center, Words(default='"-0.5"/"0"; "0"/"0" with type Julia')] = Field(
        default_factory=_middle, description="The point in the middle of the picture."
    )
    zoom: Zoom = Field(
        default="0.4",
        description="One over the height of the view: a zoom of 1 shows a height of 1.0, a zoom of 1e50 a height of "
        "1e-50. Quote it: unquoted, YAML reads it as a number and its digits are lost.",
    )
    max_iterations: Annotated[
        Annotated[int, Field(ge=1, le=MAX_ITERATIONS)] | Literal["auto"] | None,
        Words(default="auto; 128 with sampling Legacy"),
    ] = Field(
        default=None,
        alias="maxIterations",
        description="A point that hasn't escaped after so many iterations counts as inside. auto decides from the view "
        "alone, and status.result says what it was. Sampling Legacy needs a number.",
    )
    rotation: Degrees = Field(
        default="0",
        description="Degrees by which the view is turned: an offset from the centre is stretched, then turned "
        "counterclockwise by this angle, so that the picture's content appears turned clockwise.",
    )
    stretch: Stretch | None = Field(
        default=None,
        description="A stretch of offsets from the centre, before the rotation: the matrix of both is "
        "R(rotation) · R(angle) · diag(amount, 1) · R(−angle), with R(a) the counterclockwise rotation by a.",
    )


class ImagePart(Part):
    """The pixels of the picture."""

    width: int = Field(
        default=1024, ge=1, le=65_536, description="Pixels in a row. Width × height is at most 2^26 in a Redis store."
    )
    height: int = Field(
        default=1024,
        ge=1,
        le=65_536,
        description="Rows of pixels. Width × height is at most 2^26 in a Redis store.",
    )
    samples: Annotated[int, OneOf(SAMPLES)] = Field(
        default=1, description="Samples of a pixel, averaged: more of them give smoother edges, and take longer."
    )
    sampling: Sampling = Field(
        default=Sampling.GRID,
        strict=False,
        description="Grid samples pixels evenly and averages in linear light. Legacy gives the picture of the earlier "
        "system, byte for byte; it takes a number of iterations and color.legacyMode.",
    )
    block_size: int = Field(
        default=64,
        ge=1,
        le=4096,
        alias="blockSize",
        description="Side, in pixels, of the squares in which the picture is rendered and its preview grows.",
    )

    @property
    def side(self) -> int:
        """Samples along a side of a pixel."""
        return isqrt(self.samples)


class ColorPart(Part):
    """The colours of the picture."""

    legacy_mode: Annotated[int, Field(ge=0, le=8)] | None = Field(
        default=None,
        alias="legacyMode",
        description="A colour mode of the earlier system. Given with sampling Legacy, and only then.",
    )
    palette: Annotated[Palette | None, Words(default="ember, unless colors or legacyMode are given")] = Field(
        default=None,
        strict=False,
        description="The palette by name. spectrum is perceptually uniform: equal steps look equally large.",
    )
    colors: Annotated[tuple[HexColor, ...], Field(min_length=2, max_length=64, strict=False)] | None = Field(
        default=None,
        description="A palette of your own: evenly spaced colours, mixed in linear light; the last leads to the first.",
    )
    inside: HexColor = Field(default="#000000", description="Colour of the points inside the set.")
    offset: float = Field(
        default=0.0,
        ge=-1e6,
        le=1e6,
        allow_inf_nan=False,
        description="Shift along the palette, in palette lengths: 0.5 begins in its middle.",
    )
    scale: float = Field(
        default=1.0,
        ge=1e-6,
        le=1e6,
        allow_inf_nan=False,
        description="Speed along the palette: at 1, 64 iterations run through it once.",
    )


def check_store_limit(image: ImagePart, max_pixels: int = REDIS_MAX_PIXELS) -> None:
    """SpecError when a picture has more pixels than the store takes (by default: a Redis store)."""
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise SpecError(
            "spec.image",
            f"spec.image must have at most {max_pixels:,} pixels (width × height) in this store, "
            f"not {image.width} × {image.height} = {pixels:,}: make it smaller, or use a file store",
        )

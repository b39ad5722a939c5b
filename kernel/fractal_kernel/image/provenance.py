"""What a PNG file says about itself: which program made it, and from which spec."""

from typing import Final

from fractal_api import PICTURE_VERSION

SOFTWARE: Final = "Software"  # a keyword that the PNG specification registers
SPEC: Final = "FractalJob"


def texts(canonical_spec: str) -> dict[str, str]:
    """The text chunks of a picture, by keyword: the same wherever it was rendered."""
    return {SOFTWARE: f"ClusteredFractals (picture version {PICTURE_VERSION})", SPEC: canonical_spec}

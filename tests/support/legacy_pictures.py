"""Legacy pictures for tests: definitions in a few words, and those whose bytes are known.

`tests/data/legacy/earlier_system.json` has pictures of the earlier system, with its arguments. `every_mode.json` has
pictures of our own, one for each type and colour mode; a slow twin agreed with them when they were written down.
"""

import hashlib
import json
from typing import Any, Final, NamedTuple

from support.checkout import ROOT

from fractal_api.tiling import Rect
from fractal_kernel.definition import Frame, LegacyDefinition, from_json
from fractal_kernel.escape import legacy
from fractal_kernel.escape.control import Control

DATA: Final = ROOT / "tests" / "data" / "legacy"


class Known(NamedTuple):
    """A picture and the SHA-256 of its RGB bytes, row by row from the top."""

    name: str
    definition: LegacyDefinition
    sha256: str


def definition(*, size: tuple[int, int] = (16, 12), side: int = 1, **changes: float) -> LegacyDefinition:
    """The earlier system's default picture, small, with changes."""
    values: dict[str, Any] = {
        "julia": False,
        "julia_re": -0.225,
        "julia_im": -0.7,
        "center_re": 0.0,
        "center_im": 0.0,
        "zoom": 1.0,
        "max_iterations": 128,
        "color_mode": 2,
    }
    frame = Frame(width=size[0], height=size[1], side=side, block_size=32)
    return LegacyDefinition(frame=frame, **(values | changes))


def whole(picture: LegacyDefinition) -> Rect:
    """The rectangle of all its pixels."""
    return Rect(0, 0, picture.frame.width, picture.frame.height)


def known(file: str) -> list[Known]:
    """The pictures of one file of known ones."""
    pictures = []
    for entry in json.loads((DATA / file).read_text())["pictures"]:
        picture = from_json(entry["definition"])
        assert isinstance(picture, LegacyDefinition)
        pictures.append(Known(entry["name"], picture, entry["sha256"]))
    return pictures


def all_known() -> list[Known]:
    """Every Legacy picture whose bytes are known."""
    return known("earlier_system.json") + known("every_mode.json")


def sha256(picture: LegacyDefinition) -> str:
    """The SHA-256 of the picture's RGB bytes."""
    [rgb] = legacy.render(picture, [whole(picture)], Control())
    return hashlib.sha256(rgb.tobytes()).hexdigest()

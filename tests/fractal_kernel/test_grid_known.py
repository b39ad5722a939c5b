"""Grid pictures keep their bytes: `about` in tests/data/grid/pictures.json says what to do when one has changed."""

import hashlib
import json
from dataclasses import replace
from typing import Any, Final

import pytest
from support.checkout import ROOT
from support.grid_pictures import BUILT

from fractal_api import PICTURE_VERSION
from fractal_api.jobs import FractalJobSpec
from fractal_api.tiling import Rect
from fractal_kernel import coarse
from fractal_kernel.definition import define
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.instructions import Instructions
from fractal_kernel.picture import Picture

KNOWN: Final[dict[str, Any]] = json.loads((ROOT / "tests" / "data" / "grid" / "pictures.json").read_text())
PICTURES: Final[list[dict[str, Any]]] = KNOWN["pictures"]


@pytest.mark.parametrize("instructions", BUILT)
@pytest.mark.parametrize("known", PICTURES, ids=[known["name"] for known in PICTURES])
def test_a_picture_has_the_bytes_that_it_had(
    known: dict[str, Any], instructions: Instructions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRACTAL_INSTRUCTIONS", instructions)
    definition = define(FractalJobSpec.model_validate(known["spec"]))
    definition = replace(definition, max_iterations=coarse.survey(definition, Control()).max_iterations)
    whole = Rect(0, 0, definition.frame.width, definition.frame.height)
    [rgb] = Picture(definition).render([whole], Control())
    found = {"max_iterations": definition.max_iterations, "sha256": hashlib.sha256(rgb.tobytes()).hexdigest()}
    assert found == {name: known[name] for name in found}


def test_the_known_pictures_are_those_of_this_picture_version() -> None:
    assert KNOWN["picture_version"] == PICTURE_VERSION

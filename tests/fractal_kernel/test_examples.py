"""Every example renders through the command line: in a small size, and the first one as it is."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from support.checkout import ROOT

from fractal_kernel.cli.program import main

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
SMALL = 160


def small(manifest: dict[str, Any]) -> dict[str, Any]:
    """The same view in few pixels of one sample."""
    image = manifest["spec"]["image"]
    scale = SMALL / max(image["width"], image["height"])
    image |= {side: round(image[side] * scale) for side in ("width", "height")} | {"samples": 1}
    return manifest


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.stem for example in EXAMPLES])
def test_an_example_renders_and_there_is_something_to_see(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = small(yaml.safe_load(example.read_text()))
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(manifest))
    monkeypatch.chdir(tmp_path)
    assert main(["render", "job.yaml"]) == 0
    with Image.open(tmp_path / f"{example.stem}.png") as image:
        assert max(image.size) == SMALL
        colors = np.asarray(image).reshape(-1, 3)
    assert len(np.unique(colors, axis=0)) > 500
    assert colors.std(axis=0).max() > 20


def test_there_are_at_least_six_examples_and_they_show_what_a_job_can_say() -> None:
    said = "\n".join(example.read_text() for example in EXAMPLES)
    assert len(EXAMPLES) >= 6
    for field in ("Julia", "maxIterations", "rotation", "stretch", "samples", "palette", "colors", "inside", "Legacy"):
        assert field in said


def test_an_example_is_called_like_its_file_and_begins_with_what_it_shows() -> None:
    for example in EXAMPLES:
        text = example.read_text()
        assert text.startswith("# ")
        assert yaml.safe_load(text)["metadata"]["name"] == example.stem


def test_the_first_example_renders_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", str(ROOT / "examples" / "seahorse.yaml"), "-o", str(tmp_path / "seahorse.png")]) == 0
    assert "seahorse.png  1280×720, 5,000 iterations, " in capsys.readouterr().out
    with Image.open(io.BytesIO((tmp_path / "seahorse.png").read_bytes())) as image:
        assert image.size == (1280, 720)

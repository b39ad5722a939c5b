"""`--counts`: the escape counts of a picture as a NumPy file, the same that the slow twin finds."""

import io
from pathlib import Path

import numpy as np
import pytest
import yaml

from fractal_api.manifests import parse_job
from fractal_api.tiling import Rect
from fractal_kernel.cli.program import main
from fractal_kernel.definition import GridDefinition, define
from fractal_kernel.image import npy
from fractal_kernel.slow import grid as slow

JOB = """\
apiVersion: clusteredfractals.dev/v1alpha1
kind: FractalJob
metadata: {name: counted}
spec:
  fractal: {center: {re: "-0.74", im: "0.13"}, zoom: "20", maxIterations: 300}
  image: {width: 150, height: 70, samples: 4}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "counted.yaml").write_text(JOB)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_counts_are_those_of_each_pixels_first_sample_as_the_slow_twin_finds_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "counted.yaml", "--counts", "counted.npy"]) == 0
    counts = np.load(folder / "counted.npy", allow_pickle=False)
    definition = define(parse_job(yaml.safe_load(JOB)).spec)
    assert isinstance(definition, GridDefinition)
    assert counts.dtype == np.int64
    assert counts.flags.c_contiguous
    assert np.array_equal(counts, slow.counts(definition, Rect(0, 0, 150, 70)))
    assert counts.min() == -1, "a part of the view is inside"
    assert capsys.readouterr().out.endswith("counted.npy  70×150 escape counts, int64\n")


def test_row_0_is_at_the_top(folder: Path) -> None:
    """Above the real axis, the right half of this view escapes sooner at the top."""
    job = JOB.replace('{re: "-0.74", im: "0.13"}', '{re: "0", im: "1"}').replace('"20"', '"1"')
    (folder / "counted.yaml").write_text(job)
    assert main(["render", "counted.yaml", "--counts", "counted.npy"]) == 0
    counts = np.load(folder / "counted.npy")
    assert counts[0].max() < 10, "an imaginary part of 1.5 escapes at once"
    assert counts[-1].max() > 20 or counts[-1].min() == -1, "an imaginary part of 0.5 meets the set"


def test_counts_do_not_change_the_picture(folder: Path) -> None:
    assert main(["render", "counted.yaml", "-o", "with.png", "--counts", "counted.npy"]) == 0
    assert main(["render", "counted.yaml", "-o", "without.png"]) == 0
    assert (folder / "with.png").read_bytes() == (folder / "without.png").read_bytes()


def test_counts_that_cannot_be_written_leave_no_picture_either(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "counted.yaml", "--counts", "/dev/full"]) == 1
    assert capsys.readouterr().err == "fractal: can't write /dev/full: no space left on device\n"
    assert [path.name for path in folder.iterdir()] == ["counted.yaml"]


@pytest.mark.parametrize("shape", [(1, 1), (65_536, 65_536), (3,)], ids=str)
def test_numpy_reads_the_head_back(shape: tuple[int, ...]) -> None:
    file = io.BytesIO(npy.head(shape, np.dtype("<i8")))
    assert np.lib.format.read_magic(file) == (1, 0)
    assert np.lib.format.read_array_header_1_0(file) == (shape, False, np.dtype("<i8"))
    assert file.tell() == len(file.getvalue()), "elements begin right after it"

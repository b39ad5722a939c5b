"""Two pictures are equal when what was said of them and what lies in their files is one sum."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.checkout import ROOT
from support.terminal import fractal
from trial.cluster_picture import ClusterPicture
from trial.local_picture import LocalPicture
from trial.pixels import PictureError, pixels_sha256
from trial.proof import UnequalError, prove_equal


def picture(file: Path, *, said: str = "") -> tuple[LocalPicture, ClusterPicture]:
    sums = said or pixels_sha256(file)
    return (
        LocalPicture(file=file, pixels_sha256=sums),
        ClusterPicture(file=file, pixels_sha256=sums, world="ds-clmpi1", seconds=1.0),
    )


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    done = fractal("render", ROOT / "examples" / "rabbit.yaml", "--output", "rabbit.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "rabbit.png"


def test_the_pixels_are_those_that_another_decoder_reads(rendered: Path) -> None:
    with Image.open(rendered) as opened:
        other = np.asarray(opened.convert("RGB")).tobytes()
    assert pixels_sha256(rendered) == hashlib.sha256(other).hexdigest()


def test_one_changed_byte_of_the_file_is_noticed(rendered: Path, tmp_path: Path) -> None:
    data = bytearray(rendered.read_bytes())
    data[len(data) // 2] ^= 1
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(data)
    with pytest.raises(PictureError, match="checksum"):
        pixels_sha256(damaged)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"<html>"], ids=["empty", "cut off", "other"])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(content)
    with pytest.raises(PictureError, match=r"x\.png is no PNG"):
        pixels_sha256(file)


def test_equal_pictures_have_one_sum(rendered: Path) -> None:
    assert prove_equal(*picture(rendered)) == pixels_sha256(rendered)


def test_another_picture_is_refused_with_all_sums(rendered: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.new("RGB", (3, 2), "red").save(other)
    here, _ = picture(rendered)
    _, there = picture(other)
    with pytest.raises(UnequalError, match=r"rabbit\.png, as read: [0-9a-f]{64}; status.*other\.png, as read"):
        prove_equal(here, there)


def test_a_status_that_lies_is_refused(rendered: Path) -> None:
    here, _ = picture(rendered)
    _, there = picture(rendered, said="0" * 64)
    with pytest.raises(UnequalError):
        prove_equal(here, there)

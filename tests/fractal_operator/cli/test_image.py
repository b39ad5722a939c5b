"""`fractal image`: a picture that is proved, and a file that is whole or not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.gateway_stage import Stage, complete, failed, running
from support.terminal import START, Terminal

from fractal_api.storage import CHUNK_BYTES
from fractal_kernel.image import png

Fractal = Callable[..., Any]

LARGE = os.urandom(3 * CHUNK_BYTES + 5)


def test_the_picture_lies_in_a_file_called_like_the_job(gateway: Stage, fractal: Fractal) -> None:
    gateway.complete_job("seahorse", LARGE)
    said = fractal("image", "seahorse")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"seahorse.png  4×2, {len(LARGE):,} bytes\n"
    assert Path("seahorse.png").read_bytes() == LARGE


def test_the_picture_lies_where_it_is_wanted(gateway: Stage, fractal: Fractal) -> None:
    gateway.complete_job("seahorse", LARGE)
    assert fractal("image", "seahorse", "-o", "there.png").code == 0
    assert Path("there.png").read_bytes() == LARGE
    assert fractal("image", "seahorse", "-o", "no/folder.png").err == (
        "fractal: can't write no/folder.png: there is no folder no\n"
    )


def test_standard_output_takes_the_picture_too(gateway: Stage) -> None:
    import subprocess  # noqa: PLC0415

    gateway.complete_job("seahorse", LARGE)
    done = subprocess.run([*START, "image", "seahorse", "-o", "-"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stdout == LARGE
    assert done.stderr.decode() == f"standard output  4×2, {len(LARGE):,} bytes\n"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            running(),
            "there is no picture yet: FractalJob art/seahorse is being rendered by ds-clmpi1; see fractal watch",
        ),
        ({}, "there is no picture yet: FractalJob art/seahorse waits for a world; see fractal watch seahorse"),
        (failed(), "FractalJob art/seahorse failed: the world died three times"),
    ],
    ids=["rendering", "waiting", "failed"],
)
def test_without_a_picture_there_is_a_reason_and_no_file(
    gateway: Stage, fractal: Fractal, status: dict[str, Any], sentence: str
) -> None:
    gateway.cluster.put("seahorse", status=status)
    said = fractal("image", "seahorse")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"fractal: {sentence}")
    assert list(Path.cwd().glob("*.p*")) == []


def test_a_picture_that_was_lost_is_told(gateway: Stage, fractal: Fractal) -> None:
    gateway.complete_job("seahorse", LARGE)
    gateway.store.flushall()
    said = fractal("image", "seahorse")
    assert said.code == 1
    assert "is gone" in said.err


def test_a_picture_that_breaks_off_leaves_no_file(gateway: Stage, fractal: Fractal) -> None:
    record = gateway.complete_job("seahorse", LARGE)
    gateway.store.set(gateway.keys("seahorse").chunk(1, record.chunks - 1), b"x" * 5, keepttl=True)
    said = fractal("image", "seahorse")
    assert said.code == 1
    assert said.err.startswith("fractal: the picture of FractalJob art/seahorse broke off after ")
    assert list(Path.cwd().glob("*.p*")) == []
    assert list(Path.cwd().glob(".*.part")) == []


def test_another_picture_than_the_status_promises_is_refused(gateway: Stage, fractal: Fractal) -> None:
    gateway.complete_job("seahorse", LARGE)
    other = gateway.picture("seahorse", b"another one")
    Path("seahorse.png").write_bytes(b"before")
    assert fractal("image", "seahorse").code == 1
    assert Path("seahorse.png").read_bytes() == b"before"
    gateway.cluster.put("seahorse", status=complete(other))
    assert fractal("image", "seahorse").code == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("nobody", "there is no gateway in namespace clusteredfractals: kubectl apply -k manifests/"),
        ("forbidden", "there is no way to the gateway in namespace clusteredfractals: you may not port-forward"),
        ("deaf", "the gateway in namespace clusteredfractals doesn't answer: connection refused"),
    ],
)
def test_without_a_way_to_the_gateway_the_remedy_is_named(
    stage: Stage, fractal: Fractal, change: str, sentence: str
) -> None:
    stage.complete_job("seahorse", LARGE)
    if change != "nobody":
        stage.cluster.forwards["gateway-1"] = 9
    stage.cluster.may_forward = change != "forbidden"
    said = fractal("image", "seahorse")
    assert said.code == 1
    assert said.err.startswith(f"fractal: {sentence}")
    assert len(said.err.splitlines()) == 1


def test_a_terminal_can_be_shown_the_picture(gateway: Stage) -> None:
    pixels = np.zeros((2, 4, 3), dtype=np.uint8)
    pixels[:, :, 0] = 255
    assembler = png.Assembler()
    image = png.head(4, 2, {}) + assembler.band(png.encode_band(pixels)) + assembler.tail()
    gateway.complete_job("seahorse", image)
    environ = {"COLORTERM": "truecolor"}
    with Terminal(["image", "seahorse", "--show"], cwd=Path.cwd(), environ=environ) as terminal:
        assert terminal.read_to_the_end() == 0
        assert "\x1b[38;2;255;0;0;48;2;255;0;0m▀▀▀▀" in terminal.screen
    assert Path("seahorse.png").read_bytes() == image


def test_bytes_do_not_go_to_a_terminal(gateway: Stage) -> None:
    gateway.complete_job("seahorse", LARGE)
    with Terminal(["image", "seahorse", "-o", "-"], cwd=Path.cwd()) as terminal:
        assert terminal.read_to_the_end() == 2
        assert "which is a terminal here: redirect it" in terminal.screen

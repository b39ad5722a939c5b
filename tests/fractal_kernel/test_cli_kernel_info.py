"""`fractal kernel-info`: what renders here, for people and for programs."""

import json
import platform
from pathlib import Path

import numpy as np
import pytest
from support.terminal import fractal

from fractal_kernel.cli.program import main
from fractal_kernel.escape.instructions import available, instruction_set


def test_json_names_versions_instruction_sets_and_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel-info", "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["picture_version"] == 1
    assert info["instructions"] == instruction_set()
    assert info["available_instructions"] == list(available())
    assert info["libraries"]["numpy"] == np.__version__
    assert info["libc"] == " ".join(platform.libc_ver())


def test_people_get_a_line_for_each_and_a_note_for_what_is_slow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRACTAL_INSTRUCTIONS", available()[0])
    assert main(["kernel-info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        f"instructions  {available()[0]}, as FRACTAL_INSTRUCTIONS says; the processor has {', '.join(available())}"
        in lines
    )
    slow = sum(line.startswith("note ") and "take many times as long" in line for line in lines)
    assert slow == available()[0].calls_libm


def test_without_an_mpi_library_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPI4PY_LIBMPI", str(tmp_path / "libmpi.so"))
    told = fractal("kernel-info", cwd=tmp_path)
    assert told.returncode == 0
    assert b"MPI           not found" in told.stdout
    assert b"no MPI library was found: pictures are rendered in one process" in told.stdout


def test_instructions_that_are_not_here_are_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRACTAL_INSTRUCTIONS", "quantum")
    assert main(["kernel-info"]) == 2
    assert capsys.readouterr().err.startswith("fractal: FRACTAL_INSTRUCTIONS must be " + " or ".join(available()))

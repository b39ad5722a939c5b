"""A new user's first commands, in a clone of this checkout."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from support import making
from support.checkout import ROOT, clone_into


def make(*targets: str, cwd: Path) -> str:
    """What make printed; its own last words when it failed."""
    done = making.make(*targets, cwd=cwd, timeout_s=900)
    assert done.returncode == 0, f"make {' '.join(targets)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def test_make_alone_prints_every_target_with_one_line() -> None:
    printed = make(cwd=ROOT)

    targets = re.findall(r"^\.PHONY: ([\w-]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) > 5
    for target in targets:
        assert re.search(rf"^  {target} +\S", printed, re.MULTILINE), f"{target} has no line of its own"


def test_the_earlier_systems_targets_are_still_there() -> None:
    printed = make(cwd=ROOT)
    for target in ("install", "dev", "run-server", "run-client", "clean"):
        assert re.search(rf"^  {target} +\S", printed, re.MULTILINE)


@pytest.mark.timeout(900)
def test_a_clone_gives_the_picture_and_is_clean_again(tmp_path: Path) -> None:
    """make install, the README's first command, make clean: then git knows of nothing that is not committed."""
    clone = clone_into(tmp_path / "clone")
    began = time.monotonic()

    make("install", cwd=clone)
    picture = tmp_path / "seahorse.png"
    command = [".venv/bin/fractal", "render", "examples/seahorse.yaml", "-o", str(picture)]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    took_s = time.monotonic() - began

    assert done.returncode == 0, done.stderr
    assert str(picture) in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    print(f"\nfrom a clone to the picture: {took_s:.0f} s (bound 120 s; make bench prints it too)")
    assert took_s < 3 * 120

    make("clean", cwd=clone)
    status = subprocess.run(
        ["git", "status", "--porcelain", "--ignored"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""

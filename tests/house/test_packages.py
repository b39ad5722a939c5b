"""The wheel and the sdist, installed where nothing of this checkout is."""

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest
from support.checkout import ROOT, clone_into, tracked_files


def run(*command: str, cwd: Path) -> str:
    """What the command printed; its last words when it failed."""
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from that sdist."""
    clone = clone_into(tmp_path_factory.mktemp("source") / "clone")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", str(folder), cwd=clone)
    return folder


@pytest.mark.timeout(900)
def test_the_sdist_has_every_source_of_the_packages(dist: Path) -> None:
    [archive] = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        inside = {Path(*Path(name).parts[1:]) for name in opened.getnames()}

    wanted = {path for path in tracked_files() if path.parts[0] in {"kernel", "crds", "operator"}}
    assert wanted
    assert {path for path in wanted if path.suffix in {".py", ".pyx", ".pxd", ".h", ".pyi", ".typed"}} <= inside


@pytest.mark.timeout(900)
def test_the_wheel_renders_in_a_clean_environment(dist: Path, tmp_path: Path) -> None:
    [wheel] = dist.glob("*.whl")
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    run(str(home / "bin/pip"), "install", "--quiet", str(wheel), cwd=tmp_path)

    run(str(home / "bin/pip"), "check", cwd=tmp_path)
    (tmp_path / "job.yaml").write_bytes((ROOT / "examples/seahorse.yaml").read_bytes())
    printed = run(str(home / "bin/fractal"), "render", "job.yaml", "-o", "job.png", cwd=tmp_path)

    assert "job.png" in printed
    assert (tmp_path / "job.png").read_bytes().startswith(b"\x89PNG")

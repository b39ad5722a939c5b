"""The image of operator and gateway holds what they run and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_harness import project
from cluster_harness.command import run

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]  # the first to run builds the image

PROGRAMS = ("fractal-operator", "fractal-gateway")
ABSENT = ("numpy", "mpi4py", "isal", "Cython", "setuptools", "pip", "fractal_kernel")
BUILD_TOOLS = ("cc", "gcc", "ld", "make", "pip", "pip3", "mpirun", "sshd", "fractal")


@pytest.fixture(scope="session")
def operator() -> str:
    return project.build("operator")


@pytest.fixture(scope="session")
def root(operator: str) -> Iterator[Path]:
    """The image's root folder."""
    container = run(["buildah", "from", "--pull-never", operator]).strip()
    try:
        yield Path(run(["buildah", "mount", container]).strip())
    finally:
        run(["buildah", "rm", container])


@pytest.fixture(scope="session")
def packages(root: Path) -> Path:
    (found,) = (root / "opt/fractal/lib").glob("python3.*/site-packages")
    return found


def test_it_is_small(operator: str) -> None:
    (found,) = json.loads(run(["buildah", "images", "--json", operator]))
    number, unit = found["size"].split()
    print(f"\nthe operator's image: {found['size']}")
    assert unit == "MB"
    assert float(number) < 300


@pytest.mark.parametrize("package", ABSENT)
def test_it_lacks(packages: Path, package: str) -> None:
    assert not (packages / package).exists()


@pytest.mark.parametrize("tool", BUILD_TOOLS)
def test_it_has_no_program(root: Path, tool: str) -> None:
    places = [root / folder / tool for folder in ("usr/bin", "usr/sbin", "usr/local/bin", "opt/fractal/bin")]
    assert not [place for place in places if place.exists()]


def test_it_has_both_programs_compiled(root: Path, packages: Path) -> None:
    for program in PROGRAMS:
        assert (root / "opt/fractal/bin" / program).read_text().startswith("#!/opt/fractal/bin/python")
    for package in ("fractal_api", "fractal_operator", "kopf"):
        assert list((packages / package / "__pycache__").glob("__init__.*.pyc"))


def test_it_has_nothing_of_the_building_hosts_configuration(root: Path) -> None:
    assert not (root / "etc/pip.conf").exists()
    assert not list((root / "mnt").iterdir())
    assert not list((root / "etc/apt/sources.list.d").iterdir())
    assert not [file for file in (root / "var/lib/apt/lists").rglob("*") if file.is_file()]


def test_its_configuration_is_that_of_a_user_without_rights(operator: str) -> None:
    config = json.loads(run(["buildah", "inspect", "--type", "image", operator]))["OCIv1"]["config"]
    assert config["User"] == "1000:1000"
    assert {entry.partition("=")[0] for entry in config["Env"]} == {"PATH", "HOME", "PYTHONUNBUFFERED"}
    assert config["Entrypoint"] == ["tini", "--"]
    assert config["Cmd"] == ["fractal-operator"]

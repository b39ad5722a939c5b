"""The lock files pin every dependency of pyproject.toml in its range, with hashes, and name no host."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.checkout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SERVED = [*EXTRAS["operator"], *EXTRAS["gateway"]]
LOCKS = {"base": [], "mpi": EXTRAS["mpi"], "operator": SERVED, "dev": [*EXTRAS["dev"], *SERVED]}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_what_pyproject_asks_for(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    pinned = {
        canonicalize_name(found[1]): found[2] for found in re.finditer(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    }

    for wanted in map(Requirement, [*PROJECT["dependencies"], *LOCKS[name]]):
        version = pinned.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not in requirements/{name}.lock: make lock"
        assert wanted.specifier.contains(version), f"{wanted.name} {version} is out of range: make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_hashes_everything(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()

    assert "://" not in text
    assert text.count("==") <= text.count("--hash=sha256:")

"""What the stubs say of the compiled modules is what the modules have."""

import subprocess
import sys

import pytest
from support.checkout import ROOT

MODULES = [
    f"fractal_kernel.escape.{stub.stem}" for stub in sorted((ROOT / "kernel/fractal_kernel/escape").glob("_*.pyi"))
]


@pytest.mark.parametrize("module", MODULES)
def test_a_compiled_module_has_what_its_stub_says(module: str) -> None:
    check = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", module], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout

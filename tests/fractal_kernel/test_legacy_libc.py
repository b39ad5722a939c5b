"""Legacy takes logarithms and cosines from the C library: its bytes are promised with a C library that passes this."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from support.checkout import ROOT
from support.legacy_pictures import Known, all_known, known, sha256

# Both spellings: glibc before and from 2.33 on. Names that a glibc doesn't know are ignored.
WITHOUT_FMA = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX512F,-FMA_Usable,-FMA4_Usable,-AVX2_Usable,-AVX512F_Usable"

PRINT_HASHES = """
from support.legacy_pictures import all_known, sha256
for case in all_known():
    print(case.name, sha256(case.definition))
"""
PRINT_COSINES = """
import hashlib, math, struct
values = [math.cos(k / 100) for k in range(20_000)]
print(hashlib.sha256(struct.pack("20000d", *values)).hexdigest())
"""
TWIN_ALONE = """
import sys
import fractal_kernel.slow.legacy
print([name for name in sys.modules if name.startswith("fractal_kernel.escape")])
"""


def output(program: str, **environment: str) -> str:
    """What a Python of its own prints for the program."""
    folders = os.pathsep.join([str(ROOT / "tests"), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": folders} | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout


@pytest.mark.parametrize("case", known("every_mode.json"), ids=lambda case: case.name)
def test_the_c_library_gives_the_known_bytes(case: Known) -> None:
    assert sha256(case.definition) == case.sha256, (
        f"{case.name} has other bytes than with glibc 2.36. If the tests against the slow twin pass, then the C "
        f"library's log, log2, cos, cosf or sinf have changed (here: {' '.join(platform.libc_ver())}), and Legacy "
        "pictures with them"
    )


def test_the_bytes_are_the_same_where_the_c_library_has_no_fma() -> None:
    if " fma " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no FMA to hide from the C library")
    assert output(PRINT_COSINES) != output(PRINT_COSINES, GLIBC_TUNABLES=WITHOUT_FMA), "FMA was not hidden"
    expected = [f"{case.name} {case.sha256}" for case in all_known()]
    assert output(PRINT_HASHES, GLIBC_TUNABLES=WITHOUT_FMA).splitlines() == expected


def test_the_slow_twin_imports_nothing_compiled_of_ours() -> None:
    assert output(TWIN_ALONE).strip() == "[]"

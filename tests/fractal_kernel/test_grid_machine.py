"""Nothing of the machine shows in a Grid picture: not the C library, the processor, or the state of the process."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.grid_pictures import BUILT, view, whole

from fractal_kernel.color.palettes import NAMES, expand
from fractal_kernel.definition import GridDefinition
from fractal_kernel.escape import _grid
from fractal_kernel.escape.control import Control
from fractal_kernel.escape.grid import Grid, State
from fractal_kernel.escape.instructions import Instructions
from fractal_kernel.slow import grid as slow

X86 = platform.machine() == "x86_64"
FE_TONEAREST, FE_UPWARD = 0x000, 0x800  # <fenv.h> of x86

PALETTES = {
    "ember": "ba276498fafe9c66e2780a41850255684d22f9e91464b84a0b69d014af5cc0b3",
    "ocean": "b90e3a13f73e8cf5c09ea31c7d5201a901c46a1059e09a92935ff54b06682c95",
    "spectrum": "69e7d77a1d4ccabbc1136dcbbf0d6cc7521c62225430f1fe3f0616078041cb10",
}


def undefined_symbols(library: Path) -> set[str]:
    listing = subprocess.run(
        ["nm", "--dynamic", "--undefined-only", "--format=posix", str(library)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {line.split()[0].split("@")[0] for line in listing.splitlines()}


def defined_in_libm(name: str) -> bool:
    """Whether the C library's mathematics has a function of that name, and the rest of it hasn't."""
    return hasattr(ctypes.CDLL("libm.so.6"), name) and not hasattr(ctypes.CDLL("libc.so.6"), name)


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm, of binutils, lists what a library needs")
def test_the_loops_need_no_function_of_libm_but_fma() -> None:
    assert defined_in_libm("log2")
    needed = undefined_symbols(Path(_grid.__file__))
    assert "malloc" in needed
    assert {name for name in needed if defined_in_libm(name)} == {"fma"}


def digest(picture: GridDefinition, instructions: Instructions) -> str:
    counts, fractions = Grid(picture, instructions).escapes(whole(picture), Control())
    [rgb] = Grid(picture, instructions).render([whole(picture)], Control())
    return hashlib.sha256(counts.tobytes() + fractions.tobytes() + rgb.tobytes()).hexdigest()


PROGRAM = """
from support.grid_pictures import view
from test_grid_machine import digest
from fractal_kernel.escape.instructions import built
print(digest(view("seahorse", (24, 16), side=2, max_iterations=400), built()[0]))
"""


@pytest.mark.skipif(not X86, reason="the names of the processor's abilities are those of x86")
def test_a_c_library_that_sees_another_processor_gives_the_same_picture() -> None:
    picture = view("seahorse", (24, 16), side=2, max_iterations=400)
    here = Path(__file__)
    environment = os.environ | {
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable,-AVX512F",
        "PYTHONPATH": os.pathsep.join([str(here.parents[1]), str(here.parent)]),
    }
    other = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert {digest(picture, instructions) for instructions in BUILT} == {other}


@contextmanager
def rounding_upward() -> Iterator[None]:
    """Results in this thread are rounded up: as far from IEEE 754's default as a careless library can leave them."""
    libm = ctypes.CDLL("libm.so.6")
    assert libm.fesetround(FE_UPWARD) == 0
    try:
        yield
    finally:
        libm.fesetround(FE_TONEAREST)


@pytest.mark.skipif(not X86, reason="other processors' control registers are not guarded")
@pytest.mark.parametrize("instructions", BUILT)
def test_a_rounding_mode_that_a_library_left_behind_does_not_show(instructions: Instructions) -> None:
    picture = view("seahorse", (16, 12), side=2, max_iterations=300)
    grid, control, rect = Grid(picture, instructions), Control(), whole(picture)
    third = np.array([1.0]) / 3.0
    with rounding_upward():
        assert np.array([1.0]) / 3.0 > third, "the rounding mode has no effect"
        points = grid.start(np.arange(16), np.zeros(16, dtype=np.int64))
        grid.advance(points, 300, control)
        counts, fractions = grid.escapes(rect, control)
        [rgb] = grid.render([rect], control)
    expected_counts, expected_fractions = slow.escapes(picture, rect)
    np.testing.assert_array_equal(counts, expected_counts)
    np.testing.assert_array_equal(fractions.view(np.int64), expected_fractions.view(np.int64))
    np.testing.assert_array_equal(rgb, slow.render(picture, rect))
    np.testing.assert_array_equal(np.where(points["state"] == State.ESCAPED, points["n"], -1), counts[0, :, 0])


@pytest.mark.parametrize("name", NAMES)
def test_a_palette_has_the_entries_it_always_had(name: str) -> None:
    assert hashlib.sha256(expand(name, ()).tobytes()).hexdigest() == PALETTES[name]

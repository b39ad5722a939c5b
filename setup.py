"""The compiled parts of ClusteredFractals: thin Cython modules over C headers.

Everything else about the package stands in pyproject.toml.
"""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

# -ffp-contract=off: gcc would fuse a*b+c into one rounding, and a picture is defined to the bit.
# Never -ffast-math or -march=native: the same bytes must come out of every machine's build.
# -fwrapv: vectors count on beyond the last orbit, where anything may stand that is then not used.
FLAGS = [
    "-O2",
    "-fwrapv",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
]
ESCAPE = Path("kernel/fractal_kernel/escape")


def extension(name: str) -> Extension:
    """The extension module `fractal_kernel.escape.<name>`, rebuilt when any header beside it changes."""
    return Extension(
        f"fractal_kernel.escape.{name}",
        sources=[str(ESCAPE / f"{name}.pyx")],
        depends=[str(header) for header in sorted(ESCAPE.glob("*.h"))],
        include_dirs=[str(ESCAPE), np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=FLAGS,
        libraries=["m"],
    )


setup(
    ext_modules=cythonize(
        [extension(path.stem) for path in sorted(ESCAPE.glob("*.pyx"))],
        compiler_directives={"language_level": 3, "boundscheck": False, "wraparound": False, "initializedcheck": False},
        include_path=[np.get_include()],
    ),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)

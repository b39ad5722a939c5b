"""The instruction sets that the compiled loops are built for, and which of them they use here.

Which one never shows in a picture: every set gives the same bits. The choice is the processor's, the widest that it
has; FRACTAL_INSTRUCTIONS, or an argument, asks for another.
"""

import os
from enum import StrEnum
from typing import Final

from fractal_api.errors import PermanentError
from fractal_kernel.escape import _grid

VARIABLE: Final = "FRACTAL_INSTRUCTIONS"


class InstructionsMissing(PermanentError):  # noqa: N818 - it names what is wrong with the machine, not the program
    """The instructions that were asked for can't be had; the message says which can."""


class Instructions(StrEnum):
    """A processor's vector instructions. A build has the first set of its architecture, and those that go beyond it."""

    PLAIN = "plain"
    NEON = "neon"
    SSE2 = "sse2"
    AVX2 = "avx2"
    AVX512 = "avx512"

    @property
    def number(self) -> int:
        """How the compiled modules call it; InstructionsMissing for a set that this build or processor lacks."""
        if self not in available():
            raise InstructionsMissing(f"this processor has no instructions called {self}")
        return built().index(self)

    @property
    def calls_libm(self) -> bool:
        """Whether Grid's fused multiply-adds call the C library, which is slow: the set has no instruction for them."""
        return bool(_grid.CALLS_LIBM) and self is built()[0]


def built() -> tuple[Instructions, ...]:
    """The instruction sets that the loops were built for."""
    return tuple(Instructions(name) for name in _grid.SETS)


def available() -> tuple[Instructions, ...]:
    """Those of them that this processor and its operating system have, the widest last."""
    return tuple(instructions for number, instructions in enumerate(built()) if _grid.has(number))


def instruction_set() -> Instructions:
    """What the loops use in this process; InstructionsMissing if FRACTAL_INSTRUCTIONS names none, or some not here."""
    asked = os.environ.get(VARIABLE) or available()[-1]
    if asked not in available():
        raise InstructionsMissing(f"{VARIABLE} must be {' or '.join(available())} on this processor, not {asked:.40}")
    return Instructions(asked)

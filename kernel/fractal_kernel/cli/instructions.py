"""The instruction set that the loops use here, and what to tell a person about it."""

from typing import Final

from fractal_console.problems import UsageError
from fractal_kernel.escape.instructions import Instructions, InstructionsMissing, instruction_set

SLOW: Final = (
    "the Grid loops call the C library's fma here, since the processor has no fma instruction or FRACTAL_INSTRUCTIONS "
    "rules it out: the pictures are the same, and take many times as long"
)


def chosen_instructions() -> Instructions:
    """What the loops use; UsageError when FRACTAL_INSTRUCTIONS asks for what isn't here."""
    try:
        return instruction_set()
    except InstructionsMissing as error:
        raise UsageError(str(error)) from error

"""What goes wrong between a person and a command, with the exit codes that tell it to a script."""

from enum import IntEnum

from fractal_api.errors import PermanentError


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    TERMINATED = 143
    INTERRUPTED = 130


class UsageError(PermanentError):
    """The command line, or a file that it names, asks for something that can't be; nothing was done."""

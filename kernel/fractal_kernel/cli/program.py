"""The program `fractal`: its entry point, which imports nothing before it is ready for Ctrl-C."""

import sys

INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """The exit code of the command that `argv` (else the process's own arguments) asks for."""
    try:
        from fractal_kernel.cli import dispatch  # noqa: PLC0415 - in here, so that Ctrl-C shows no traceback

        return dispatch.run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return INTERRUPTED

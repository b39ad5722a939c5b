"""How a click command becomes one of ours: its usage errors become UsageError, an abort is an interruption."""

import re
from collections.abc import Sequence
from typing import Final

import click

from fractal_api.errors import PermanentError
from fractal_console.problems import ExitCode, UsageError

_SUGGESTION: Final = re.compile(r"[.] \(?Did( you mean [^?]*)[?]\)?")
"""Click's second sentence: alone for one suggestion, in brackets for several."""


class CommandError(PermanentError):
    """What click reports besides wrong usage."""


def run_click(command: click.Command, argv: Sequence[str]) -> int:
    """The exit code of a click command that returns one, or None for 0."""
    name = f"fractal {command.name}"
    try:
        code = command.main(args=list(argv), prog_name=name, standalone_mode=False)
    except click.UsageError as problem:
        raise UsageError(f"{_sentence(problem)}; see {name} --help") from problem
    except click.Abort as problem:
        raise KeyboardInterrupt from problem
    except click.ClickException as problem:
        raise CommandError(_sentence(problem)) from problem
    return ExitCode.DONE if code is None else int(code)


def _sentence(problem: click.ClickException) -> str:
    """Click's message as ours are written: one sentence, no capital, no full stop."""
    message = _SUGGESTION.sub(r", did\1", " ".join(problem.format_message().split())).rstrip(".")
    return message[:1].lower() + message[1:]

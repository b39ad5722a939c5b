"""Finds the command that a person asks for, runs it, and turns whatever happens into a sentence and an exit code.

Nothing heavy is imported here: a command pays for its own libraries only.
"""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Final

from fractal_api import PICTURE_VERSION
from fractal_api.errors import FractalError
from fractal_console.problems import ExitCode, UsageError
from fractal_kernel.cli.registry import Registry

DEBUG: Final = "FRACTAL_DEBUG"
USAGE: Final = "usage: fractal COMMAND [ARGUMENTS]"


def run(arguments: Sequence[str]) -> int:
    """The exit code of the command that the arguments ask for."""
    _replace_closed_streams()
    _speak_any_text()
    return _guarded(lambda: _dispatch(list(arguments)))


def _replace_closed_streams() -> None:
    """Let what is said into a stream that the caller closed (`>&-`) vanish: Python has no object for it at all."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, "r" if name == "stdin" else "w", encoding="utf-8"))


def _speak_any_text() -> None:
    """Let a character that the terminal's encoding lacks become a question mark, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _dispatch(arguments: list[str]) -> int:
    match arguments:
        case [] | ["-h" | "--help" | "help", *_]:
            print(_help())
            return ExitCode.DONE
        case ["-V" | "--version" | "version", *_]:
            print(f"fractal {version('clusteredfractals')} (picture version {PICTURE_VERSION})")
            return ExitCode.DONE
        case [option, *_] if option.startswith("-"):
            raise UsageError(f"there is no option {option!r} before a command; see fractal --help")
        case [name, *rest]:
            return Registry().load(name)(rest)
    raise AssertionError(arguments)


def _help() -> str:
    helps = Registry().helps()
    width = max((len(name) for name in helps), default=0)
    return "\n".join(
        [
            USAGE,
            "",
            "Pictures of the Mandelbrot and Julia sets, rendered here or on a cluster.",
            "",
            "Commands:",
            *(f"  {name:{width}}  {line}" for name, line in helps.items()),
            "",
            "`fractal COMMAND --help` tells more; `fractal --version` tells the version.",
        ]
    )


def _guarded(command: Callable[[], int]) -> int:
    """The exit code of a command; every error becomes one sentence on stderr, never a traceback."""
    try:
        code = command()
        sys.stdout.flush()  # here, so that a reader who left, or a full disk, is noticed here
    except UsageError as problem:
        return _told(f"fractal: {problem}", ExitCode.USAGE)
    except FractalError as problem:
        return _told(f"fractal: {problem}", ExitCode.FAILED)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone, and knows it
        return ExitCode.FAILED
    except Exception as problem:  # noqa: BLE001 - the outermost guard: a person gets a sentence, not a traceback
        return _unexpected(problem)
    finally:
        _let_streams_end()
    return code


def _unexpected(problem: Exception) -> int:
    """Tell about an error that is no one's: of the surroundings, such as a full disk behind stdout, or of ours."""
    if os.environ.get(DEBUG):
        traceback.print_exception(problem)
    if isinstance(problem, OSError) and problem.strerror:
        place = f"{problem.filename}: " if problem.filename else ""
        return _told(f"fractal: {place}{problem.strerror.lower()}", ExitCode.FAILED)
    what = " ".join(f"{type(problem).__name__}: {problem}".split())
    return _told(f"fractal: internal error: {what}; set {DEBUG}=1 for the traceback", ExitCode.FAILED)


def _told(sentence: str, code: ExitCode) -> int:
    with contextlib.suppress(OSError):  # nobody can be told of what goes wrong with telling
        print(sentence, file=sys.stderr)
    return code


def _let_streams_end() -> None:
    """Let the interpreter's own last flush succeed: what can't go where it should goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

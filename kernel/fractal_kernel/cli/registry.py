"""The commands of `fractal`: the entry points of the group `fractal.commands`, of every installed distribution.

Each is a function `main(argv: list[str]) -> int`; the first line of its docstring is its help. The help is read from
the source, so that listing the commands imports none of them (some need a second for their libraries).
"""

import ast
import importlib.util
from collections.abc import Callable
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from fractal_api.errors import PermanentError
from fractal_console.problems import UsageError

GROUP: Final = "fractal.commands"

Command = Callable[[list[str]], int]


class CommandUnavailableError(PermanentError):
    """A command is known, but a package that it needs isn't installed."""


class Registry:
    """The commands that are installed here."""

    @cached_property
    def entries(self) -> dict[str, EntryPoint]:
        """Every command's entry point by its name, in the order of the names."""
        return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}

    def load(self, name: str) -> Command:
        """The function of a command; UsageError when there is no such command."""
        if name not in self.entries:
            raise UsageError(f"there is no command {name!r}{self._suggestion(name)}; see fractal --help")
        try:
            return cast("Command", self.entries[name].load())
        except ModuleNotFoundError as missing:
            needed = missing.name or "that is missing"
            raise CommandUnavailableError(
                f"fractal {name} needs the Python package {needed}, which is not installed here"
            ) from missing

    def helps(self) -> dict[str, str]:
        """One line of help for each command."""
        return {name: _first_line(entry) for name, entry in self.entries.items()}

    def _suggestion(self, name: str) -> str:
        nearest = get_close_matches(name, self.entries, n=1, cutoff=0.5)
        return f", did you mean {nearest[0]!r}" if nearest else ""


def _first_line(entry: EntryPoint) -> str:
    """The first docstring line of a command's function, found without importing its module."""
    for node in _module(entry.module).body:
        if isinstance(node, ast.FunctionDef) and node.name == entry.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return "(not available in this installation)"


def _module(name: str) -> ast.Module:
    """The syntax tree of a module; an empty one when its source can't be found."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    source = getattr(spec.loader, "get_source", lambda _: None)(name) if spec else None
    return ast.parse(source or "")

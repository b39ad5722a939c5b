"""The flags of the earlier system's command line, and how one is read."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from fractal_api.errors import SpecError
from fractal_api.fields import Shape, locate
from fractal_api.jobs import LEGACY_ITERATIONS, FractalJobSpec
from fractal_api.picture import FractalType
from fractal_api.quoting import plain, shown
from fractal_api.sentences import nearest
from fractal_api.wording import allowed, joined

TYPES: Final = {0: FractalType.MANDELBROT, 1: FractalType.JULIA}
"""The old numbers of the sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag of the old command line: its names, and the field of the spec that it fills.

    `least` and `most` are the numbers of values behind it. A flag without a path says where the picture went.
    """

    names: tuple[str, ...]
    path: str = ""
    default: str = ""
    whole: bool = False
    least: int = 1
    most: int = 1

    @property
    def shape(self) -> Shape | None:
        """The shape of the flag's field; of a field that takes words too, its numbers."""
        place = locate(FractalJobSpec, self.path.split("."))
        shapes = place.shape.alternatives if place.shape and self.path else []
        return next((shape for shape in shapes if not self.whole or shape.bare is int), None)

    @property
    def meaning(self) -> str:
        """What may stand behind the flag, as words that follow "must be"."""
        if self.shape is not None:
            return allowed(self.shape)
        return joined([f"{number} ({kind})" for number, kind in TYPES.items()]) if self.path else "a file"


PICTURE_FLAGS: Final = (
    Flag(names=("--width", "-w"), path="image.width", default="512", whole=True),
    Flag(names=("--height", "-h"), path="image.height", default="512", whole=True),
    Flag(names=("--block_size", "-b"), path="image.blockSize", default="32", whole=True),
    Flag(names=("--samples", "-s"), path="image.samples", default="1", whole=True),
    Flag(names=("--zoom", "-z"), path="fractal.zoom", default="1"),
    Flag(names=("--camera_x", "-cx"), path="fractal.center.re", default="0"),
    Flag(names=("--camera_y", "-cy"), path="fractal.center.im", default="0"),
    Flag(names=("--iterations", "-i"), path="fractal.maxIterations", default=str(LEGACY_ITERATIONS), whole=True),
    Flag(names=("--type", "-t"), path="fractal.type", default="0", whole=True),
    Flag(names=("--color_mode",), path="color.legacyMode", default="2", whole=True),
    Flag(names=("--julia-cx",), path="fractal.julia.re", default="-0.225"),
    Flag(names=("--julia-cy",), path="fractal.julia.im", default="-0.700"),
)

_DISK: Final = Flag(names=("--output_disk", "-od"), least=0)
_FILE: Final = Flag(names=("--output",))
OUTPUT_FLAGS: Final = (
    _DISK,
    _FILE,
    Flag(names=("--output_network", "-on"), least=0, most=3),
    Flag(names=("--output_disabled",), least=0, most=0),
    Flag(names=("--quiet",), least=0, most=0),
)

_FLAGS: Final = {name: flag for flag in (*PICTURE_FLAGS, *OUTPUT_FLAGS) for name in flag.names}
_LARGEST_NUMBER: Final = 1e300
_LONGEST_NAME: Final = 255


@dataclass(slots=True)
class Given:
    """What a command line said: values by the path of their field, and the flag that said it; the last one counts."""

    values: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    output_name: str | None = None

    def called(self, flag: Flag) -> str:
        """The flag's name as it was written, or its long one."""
        return self.flags.get(flag.path, flag.names[0])


def _listed(args: Sequence[object]) -> Sequence[object]:
    if isinstance(args, (list, tuple)):
        return args
    raise SpecError("args", f"args must be a list of texts, not {shown(args)}")


def _text(word: object, position: int) -> str:
    """A word of the command line; JSON's numbers are taken for theirs."""
    if isinstance(word, str):
        return word
    if isinstance(word, (int, float)) and not isinstance(word, bool) and abs(word) < _LARGEST_NUMBER:
        return str(word)
    raise SpecError(f"args[{position}]", f"args[{position}] must be a text, not {shown(word)}")


def read(args: Sequence[str]) -> Given:
    """The flags of a command line with their values; SpecError on an unknown flag or a missing value."""
    words = [_text(word, position) for position, word in enumerate(_listed(args))]
    given, position = Given(), 0
    while position < len(words):
        name = words[position]
        flag = _flag(name)
        values = _values(flag, words[position + 1 : position + 1 + flag.most])
        if len(values) < flag.least:
            raise SpecError(name, f"{name} must be followed by {flag.meaning}, not by {_next(words, position)}")
        _take(given, flag, name, values)
        position += 1 + len(values)
    return given


def _flag(name: str) -> Flag:
    if name in _FLAGS:
        return _FLAGS[name]
    meant = nearest(name, list(_FLAGS))
    hint = f" (did you mean {meant}?)" if meant else ""
    known = [flag.names[0] for flag in (*PICTURE_FLAGS, *OUTPUT_FLAGS)]
    raise SpecError(plain(name), f"{plain(name)} is unknown{hint}: the flags are {joined(known, 'and')}")


def _values(flag: Flag, rest: Sequence[str]) -> list[str]:
    """The values of a flag: what follows up to the next flag, so that -0.5 is a value and -cx is none."""

    def is_value(word: str) -> bool:
        # An optional value may not look like a flag at all: a mistyped flag must not be taken for a file.
        return word not in _FLAGS and (flag.least > 0 or not word.startswith("-"))

    return list(itertools.takewhile(is_value, rest))


def _next(args: Sequence[str], position: int) -> str:
    return shown(args[position + 1]) if position + 1 < len(args) else "the end"


def _take(given: Given, flag: Flag, name: str, values: list[str]) -> None:
    if flag.path:
        given.values[flag.path] = values[0]
        given.flags[flag.path] = name
    elif flag in (_DISK, _FILE) and values:
        given.output_name = _base_name(values[0])


def _base_name(file: str) -> str | None:
    """The last part of a file's path, when it is one that a file can have."""
    name = PurePosixPath(file).name
    return name if name.isprintable() and 0 < len(name) <= _LONGEST_NAME and name != ".." else None

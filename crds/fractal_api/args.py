"""The command line of the earlier system, to a spec and back.

Its renderer ignored flags that it didn't know and values that it couldn't convert; here each of these is an error that
names it. Numbers of the plane are kept as their text, so that each becomes the same double as it did there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from fractal_api.errors import SpecError
from fractal_api.flags import PICTURE_FLAGS, TYPES, Flag, Given, read
from fractal_api.jobs import FractalJobSpec
from fractal_api.picture import FractalType, Sampling
from fractal_api.quoting import shown
from fractal_api.sentences import problems, spec_error
from fractal_api.wording import joined

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}(?:[.]0*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedArgs:
    """What a command line asks for: the picture, and the base name of the file that it was to go to, if it said one."""

    spec: FractalJobSpec
    output_name: str | None = None


def spec_from_args(args: Sequence[str]) -> ParsedArgs:
    """The picture that the earlier system would have rendered; SpecError names the flag at fault, and why."""
    given = read(args)
    values: dict[str, Any] = {flag.path: given.values.get(flag.path, flag.default) for flag in PICTURE_FLAGS}
    for flag in PICTURE_FLAGS:
        if flag.whole:
            values[flag.path] = _whole(flag, given.called(flag), values[flag.path])
    kind = _type(given.flags.get("fractal.type", "--type"), values["fractal.type"])
    # Everything is checked as if for a Julia set: its constant is, even where the old renderer didn't look at it.
    spec = _validated(_nested(values | {"fractal.type": FractalType.JULIA}), given)
    if kind is not FractalType.JULIA:
        values = {path: value for path, value in values.items() if not path.startswith("fractal.julia")}
        spec = _validated(_nested(values | {"fractal.type": kind}), given)
    return ParsedArgs(spec=spec, output_name=given.output_name)


def args_from_spec(spec: FractalJobSpec) -> list[str]:
    """The command line of a Legacy picture, every flag of the picture written out; SpecError for a Grid picture."""
    if not spec.legacy:
        raise SpecError(
            "spec.image.sampling",
            f"spec.image.sampling must be {Sampling.LEGACY} to be written as the earlier system's command line, "
            f"not {spec.image.sampling}",
        )
    fractal, image = spec.fractal, spec.image
    number = next(number for number, kind in TYPES.items() if kind is fractal.type)
    args = ["--width", image.width, "--height", image.height, "--block_size", image.block_size]
    args += ["--samples", image.samples, "--zoom", fractal.zoom]
    args += ["--camera_x", fractal.center.re, "--camera_y", fractal.center.im]
    args += ["--iterations", spec.max_iterations, "--type", number, "--color_mode", spec.color.legacy_mode]
    if fractal.julia is not None:
        args += ["--julia-cx", fractal.julia.re, "--julia-cy", fractal.julia.im]
    return [str(word) for word in args]


def _whole(flag: Flag, name: str, text: str) -> int:
    """The whole number of a text, "600" or "600.0"; SpecError on one out of range, or that would have to be rounded."""
    number = int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None
    if number is None or (flag.shape and not flag.shape.admits(number)):
        raise SpecError(name, f"{name} must be {flag.meaning}, not {shown(text)}")
    return number


def _type(flag_name: str, number: int) -> FractalType:
    if number in TYPES:
        return TYPES[number]
    meanings = joined([f"{number} ({kind})" for number, kind in TYPES.items()])
    raise SpecError(flag_name, f"{flag_name} must be {meanings}, not {number}")


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The spec's manifest of values by their paths."""
    manifest: dict[str, Any] = {"image": {"sampling": Sampling.LEGACY}}
    for path, value in values.items():
        *parents, name = path.split(".")
        part = manifest
        for parent in parents:
            part = part.setdefault(parent, {})
        part[name] = value
    return manifest


def _validated(manifest: dict[str, Any], given: Given) -> FractalJobSpec:
    """The spec of a manifest; SpecError names the flag, not the field."""
    names = {flag.path: given.called(flag) for flag in PICTURE_FLAGS}
    try:
        return FractalJobSpec.model_validate(manifest)
    except ValidationError as error:
        found = problems(FractalJobSpec, error)
        raise spec_error(found, lambda path: names.get(path.removeprefix("spec."), path)) from error

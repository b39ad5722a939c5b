"""The rules between the fields of a FractalJob's spec; they stand at `spec` in the CRD."""

import json
from typing import TYPE_CHECKING, Final

from fractal_api import cel, decimals
from fractal_api.picture import ColorPart, FractalType, Sampling
from fractal_api.quoting import quoted
from fractal_api.rules import Rule
from fractal_api.wording import joined

if TYPE_CHECKING:
    from fractal_api.jobs import FractalJobSpec


def _julia(spec: "FractalJobSpec") -> str | None:
    if (spec.fractal.type is FractalType.JULIA) == (spec.fractal.julia is not None):
        return None
    return f"type {spec.fractal.type} {'without' if spec.fractal.julia is None else 'with'} julia"


def _one_coloring(spec: "FractalJobSpec") -> str | None:
    color = spec.color
    ways = {"legacyMode": color.legacy_mode, "palette": color.palette, "colors": color.colors}
    given = [name for name, value in ways.items() if value is not None]
    return joined(given, "and") if len(given) > 1 else None


def _legacy_mode(spec: "FractalJobSpec") -> str | None:
    if spec.legacy == (spec.color.legacy_mode is not None):
        return None
    return f"sampling {spec.image.sampling} {'without' if spec.color.legacy_mode is None else 'with'} legacyMode"


def _legacy_iterations(spec: "FractalJobSpec") -> str | None:
    return "auto" if spec.legacy and spec.fractal.max_iterations == "auto" else None


def _legacy_upright(spec: "FractalJobSpec") -> str | None:
    if not spec.legacy:
        return None
    if spec.fractal.stretch is not None:
        return "a stretch"
    return None if spec.fractal.rotation == "0" else f"rotation {quoted(spec.fractal.rotation)}"


def _legacy_colors(spec: "FractalJobSpec") -> str | None:
    if not spec.legacy:
        return None
    for name in ("inside", "offset", "scale"):
        value, default = getattr(spec.color, name), ColorPart.model_fields[name].default
        if value != default:
            return f"{name} {json.dumps(value)}"
    return None


def _legacy_zoom(spec: "FractalJobSpec") -> str | None:
    too_deep = spec.legacy and decimals.to_decimal(spec.fractal.zoom) > decimals.to_decimal("1e308")
    return f"zoom {quoted(spec.fractal.zoom)}" if too_deep else None


_LEGACY: Final = f"(has(self.image) && self.image.sampling == '{Sampling.LEGACY}')"

JOB_RULES: "Final[tuple[Rule[FractalJobSpec], ...]]" = (
    Rule(
        field="spec.fractal.julia",
        must="be given with type Julia, and only then",
        cel=f"has(self.fractal.julia) == (self.fractal.type == '{FractalType.JULIA}')",
        breach=_julia,
    ),
    Rule(
        field="spec.color",
        must="have at most one of legacyMode, palette and colors",
        cel="!has(self.color) || [has(self.color.legacyMode), has(self.color.palette), has(self.color.colors)]"
        ".filter(given, given).size() <= 1",
        breach=_one_coloring,
    ),
    Rule(
        field="spec.color.legacyMode",
        must="be given with spec.image.sampling Legacy, and only then",
        cel=f"{_LEGACY} == (has(self.color) && has(self.color.legacyMode))",
        breach=_legacy_mode,
    ),
    Rule(
        field="spec.fractal.maxIterations",
        must="be a whole number with spec.image.sampling Legacy, such as 128",
        cel=f"!{_LEGACY} || !has(self.fractal.maxIterations) || type(self.fractal.maxIterations) == int",
        breach=_legacy_iterations,
    ),
    Rule(
        field="spec.fractal.rotation",
        must='be "0", and spec.fractal.stretch absent, with spec.image.sampling Legacy',
        cel=f"!{_LEGACY} || (self.fractal.rotation == '0' && !has(self.fractal.stretch))",
        breach=_legacy_upright,
    ),
    Rule(
        field="spec.color",
        must="have nothing but legacyMode with spec.image.sampling Legacy",
        cel=f"!{_LEGACY} || !has(self.color) || ((!has(self.color.inside) || self.color.inside == '#000000')"
        " && self.color.offset == 0.0 && self.color.scale == 1.0)",
        breach=_legacy_colors,
    ),
    Rule(
        field="spec.fractal.zoom",
        must='be at most "1e308" with spec.image.sampling Legacy',
        cel=f"!{_LEGACY} || {cel.magnitude_at_most('self.fractal.zoom', '1e308')}",
        breach=_legacy_zoom,
    ),
)

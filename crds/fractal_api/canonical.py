"""The one spelling of a picture: equal pictures have equal canonical specs, and so one key in every store.

Only what defines the picture and its tiles goes in: fractal, image and color, with every default filled in and every
decimal in its one spelling. How the job is run does not.
"""

import hashlib
import json
from typing import Any

from fractal_api import PICTURE_VERSION
from fractal_api.decimals import normalize
from fractal_api.jobs import FractalJobSpec
from fractal_api.picture import ColorPart, FractalPart, ImagePart, Stretch


def canonical_spec(spec: FractalJobSpec) -> str:
    """The picture that a spec asks for, as JSON with sorted keys and nothing left out."""
    parts = {
        "fractal": _fractal(spec.fractal) | {"maxIterations": spec.max_iterations or "auto"},
        "image": _image(spec.image),
        "color": _color(spec.color) | {"palette": spec.palette},
    }
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)


def picture_key(spec: FractalJobSpec) -> str:
    """SHA-256, in hexadecimal digits, of the picture version and the canonical spec."""
    return hashlib.sha256(f"{PICTURE_VERSION}\n{canonical_spec(spec)}".encode()).hexdigest()


def _fractal(fractal: FractalPart) -> dict[str, Any]:
    return {
        "type": fractal.type,
        "julia": fractal.julia and {"re": normalize(fractal.julia.re), "im": normalize(fractal.julia.im)},
        "center": {"re": normalize(fractal.center.re), "im": normalize(fractal.center.im)},
        "zoom": normalize(fractal.zoom),
        "rotation": normalize(fractal.rotation),
        "stretch": fractal.stretch and _stretch(fractal.stretch),
    }


def _stretch(stretch: Stretch) -> dict[str, str]:
    return {"angle": normalize(stretch.angle), "amount": normalize(stretch.amount)}


def _image(image: ImagePart) -> dict[str, Any]:
    return {
        "width": image.width,
        "height": image.height,
        "samples": image.samples,
        "sampling": image.sampling,
        "blockSize": image.block_size,
    }


def _color(color: ColorPart) -> dict[str, Any]:
    return {
        "legacyMode": color.legacy_mode,
        "colors": color.colors and [entry.lower() for entry in color.colors],
        "inside": color.inside.lower(),
        # + 0.0 turns −0.0 into 0.0, and repr of a double is its shortest exact text.
        "offset": color.offset + 0.0,
        "scale": color.scale,
    }

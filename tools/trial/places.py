"""Where things are, and what they are called."""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The top of the checkout."""

EXAMPLE: Final = ROOT / "examples" / "seahorse.yaml"
MANIFESTS: Final = Path(os.environ.get("FRACTAL_MANIFESTS") or ROOT / "manifests")
"""What is installed: all of the product, or an overlay with other images."""

FRACTAL: Final = ROOT / ".venv" / "bin" / "fractal"

LOCAL_PICTURE: Final = ROOT / "build" / "seahorse-here.png"
"""What this machine renders by itself."""

PICTURE: Final = ROOT / "seahorse.png"
"""What the cluster renders."""

NAMESPACE: Final = "clusteredfractals"
"""Where the product runs."""

JOBS_NAMESPACE: Final = "default"
"""Where the example is applied."""

JOB: Final = "seahorse"
FIRST_WORLD: Final = "ds-clmpi1"


def environment() -> dict[str, str]:
    """Ours, for programs that were installed: they find their package by themselves."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

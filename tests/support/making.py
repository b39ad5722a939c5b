"""`make`, as a person at the top of the checkout types it."""

import os
import subprocess
from pathlib import Path
from typing import Final

from support.checkout import ROOT

OUTER: Final = frozenset({"MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV"})


def make(*targets: str, cwd: Path = ROOT, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    """What became of it; nothing of a make that we run under is handed on."""
    clean = {name: value for name, value in os.environ.items() if name not in OUTER}
    return subprocess.run(
        ["make", *targets], cwd=cwd, env=clean, capture_output=True, text=True, timeout=timeout_s, check=False
    )

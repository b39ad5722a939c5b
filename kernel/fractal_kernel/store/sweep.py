"""Removing from a file store what nobody has used for long enough; Redis does it by itself."""

import contextlib
from collections.abc import Container
from pathlib import Path

from fractal_kernel.store.claim import Claim
from fractal_kernel.store.run_folder import LOCK, expires_at, remove


def sweep(root: Path, now: float, spare: Container[Path]) -> None:
    """Remove the runs below `root` that have expired at `now` (seconds since the epoch) and that nobody works on.

    Runs in `spare` stay. What can't be removed stays too: it is no reason to fail whoever opens another run.
    """
    for folder in root.glob("*/*/"):
        if folder not in spare:
            with contextlib.suppress(OSError):
                _remove_expired(folder, now)


def _remove_expired(folder: Path, now: float) -> None:
    if expires_at(folder) > now:
        return
    claim = Claim.take(folder / LOCK)
    if claim is None:
        return
    try:
        if expires_at(folder) <= now:  # unless it was used meanwhile
            remove(folder)
    finally:
        claim.release()

"""Keeps an attempt out once a newer one has been opened; both stores ask here."""

from fractal_kernel.store.interface import RunConflict, RunKey


def admit(run: RunKey, newest: int) -> None:
    """RunConflict when `newest`, the newest attempt that was opened under the run's uid, is newer than the run's."""
    if newest > run.attempt:
        raise RunConflict(f"run {run.id}: attempt {newest} was begun already")

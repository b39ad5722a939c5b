"""Which of two results of one picture stands, and the proof of a written one; both stores ask here."""

import hashlib

from fractal_api.storage import ResultRecord
from fractal_kernel.store.interface import RunConflict, RunKey, StoreCorrupt


def standing(run: RunKey, earlier: ResultRecord | None, new: ResultRecord) -> ResultRecord | None:
    """The result that stands already and stays, or None when the new one is the first.

    What was handed out once never changes, and attempts may overlap; their pixels can't differ, so RunConflict says
    that a promise of the kernel was broken.
    """
    if earlier is None or earlier.pixels_sha256 == new.pixels_sha256:
        return earlier
    raise RunConflict(f"run {run.id}: attempt {earlier.attempt} has stored other pixels for the same picture")


class ImageProof:
    """Takes an image chunk by chunk as it is read back, and tells whether it is the one that its record describes."""

    def __init__(self, run: RunKey, record: ResultRecord) -> None:
        self._run = run
        self._record = record
        self._digest = hashlib.sha256()
        self._size = 0

    def take(self, chunk: bytes) -> None:
        """The next chunk."""
        self._digest.update(chunk)
        self._size += len(chunk)

    def conclude(self) -> None:
        """StoreCorrupt unless size and SHA-256 are the record's."""
        if self._size != self._record.bytes:
            raise StoreCorrupt(
                f"run {self._run.id}: the stored image has {self._size} bytes, not {self._record.bytes} as recorded"
            )
        if self._digest.hexdigest() != self._record.sha256:
            raise StoreCorrupt(f"run {self._run.id}: the stored image has another SHA-256 than its record")

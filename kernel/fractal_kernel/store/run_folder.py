"""A run's folder in the file store, and the order in which its files come and go. Blocking; OSError as it comes.

lock          who may write here
run.json      which picture, the newest attempt, facts
tiles.log     acknowledged tiles, until there is a result
img.<attempt> the image of an attempt, complete or not
result.json   the result record, written when its image is on the disk
live.json     figures for spectators
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from fractal_api.errors import RecordError
from fractal_api.storage import IMAGE_EXPIRY_S, TILES_EXPIRY_S, Keys, ResultRecord, expiry_s
from fractal_kernel.store.claim import Claim, holder_of
from fractal_kernel.store.commitment import standing
from fractal_kernel.store.durable import make_name, sync_folder, write_durably, write_part
from fractal_kernel.store.fence import admit
from fractal_kernel.store.image_file import ImageFile
from fractal_kernel.store.interface import Blob, RunConflict, RunKey, StoreCorrupt, StoredRun
from fractal_kernel.store.tile_log import TileLog

LOCK: Final = "lock"
_RUN: Final = "run.json"
_TILES: Final = "tiles.log"
_RESULT: Final = "result.json"
_LIVE: Final = "live.json"
_IMAGES: Final = "img.*"


def folder_of(root: Path, run: RunKey) -> Path:
    """Where a run's files are; ValueError for names that a store's key can't have."""
    keys = Keys(install=run.install, uid=run.uid)
    return root / keys.install / keys.uid


def image_of(folder: Path, attempt: int) -> ImageFile:
    """An attempt's image."""
    return ImageFile(folder / f"img.{attempt}")


def read_result(folder: Path) -> ResultRecord | None:
    """The result record, if there is one; StoreCorrupt when it can't be read."""
    try:
        return ResultRecord.from_json((folder / _RESULT).read_bytes())
    except FileNotFoundError:
        return None
    except RecordError as error:
        raise StoreCorrupt(f"{folder / _RESULT}: {error}") from error


def refresh(folder: Path) -> None:
    """Let the image's life begin anew."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(folder / _RESULT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What run.json says."""

    spec: str
    attempt: int
    ttl_s: int | None
    facts: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "_About | None":
        try:
            return cls(**json.loads((folder / _RUN).read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise StoreCorrupt(f"{folder / _RUN} is no description of a run: {error}") from error

    def write(self, folder: Path, *, fresh: bool = False) -> None:
        """Write it; for a `fresh` folder, its own name is on the disk before: whoever finds run.json may trust it."""
        part = write_part(folder / _RUN, json.dumps(dataclasses.asdict(self)).encode())
        if fresh:
            sync_folder(folder.parent)  # after the part, whose flush brings along the name on most file systems
        part.replace(folder / _RUN)
        sync_folder(folder)


class RunFolder:
    """A run that this process may write to."""

    def __init__(self, folder: Path, claim: Claim) -> None:
        self.folder = folder
        self.attempt = 0
        """The newest attempt that was opened here."""
        self._claim = claim
        self._log: TileLog | None = None
        self._images: dict[int, ImageFile] = {}
        self._kept: int | None = None
        """The attempt whose image is the picture, while what that makes needless is still here."""

    @classmethod
    def claim(cls, folder: Path) -> Self:
        """The folder, made if need be, for this process alone; RunConflict when another one has it."""
        while True:
            make_name(folder)  # which goes to the disk when the run is opened
            try:
                claim = Claim.take(folder / LOCK)
            except FileNotFoundError:  # swept away since it was made
                continue
            if claim is None:
                raise RunConflict(f"{holder_of(folder / LOCK)} is at work in {folder}")
            return cls(folder, claim)

    def open(self, run: RunKey, canonical_sha: str) -> StoredRun:
        """Enter the attempt, and say what is here; RunConflict for another picture or an older attempt.

        All names that the run needs are made before run.json is written, whose flush of the folder is theirs, too.
        """
        known = _About.read(self.folder)
        about = known or _About(spec=canonical_sha, attempt=run.attempt, ttl_s=None, facts={})
        if about.spec != canonical_sha:
            raise RunConflict(f"run {run.id}: another picture is stored under this uid")
        admit(run, about.attempt)
        result = read_result(self.folder)
        acknowledged = self._tiles().indices if result is None else frozenset[int]()
        dataclasses.replace(about, attempt=run.attempt, ttl_s=run.ttl_s).write(self.folder, fresh=known is None)
        self.attempt = run.attempt
        if result is not None:
            self._kept = result.attempt
            self.tidy()
        return StoredRun(acknowledged=acknowledged, result=result, facts=about.facts)

    def note(self, facts: Mapping[str, str]) -> None:
        """Keep facts."""
        about = _About.read(self.folder)
        if about is None:
            raise StoreCorrupt(f"{self.folder / _RUN} is missing")
        dataclasses.replace(about, facts={**about.facts, **facts}).write(self.folder)

    def put_tiles(self, tiles: Sequence[tuple[int, Blob]]) -> None:
        """Keep a batch of tiles; on return it is on the disk."""
        self._tiles().append(tiles)

    def get_tile(self, index: int) -> bytes:
        """A tile's blob; StoreCorrupt when it isn't there or is damaged."""
        return self._tiles().read(index)

    def image(self, attempt: int) -> ImageFile:
        """An attempt's image, always the same object: it knows what of the file is on the disk."""
        return self._images.setdefault(attempt, image_of(self.folder, attempt))

    def write_live(self, figures: Mapping[str, str]) -> None:
        """Replace the live figures; not durable."""
        part = self.folder / f".{_LIVE}.part"
        part.write_text(json.dumps(dict(figures)))
        part.replace(self.folder / _LIVE)

    def settle(self, run: RunKey, record: ResultRecord) -> ResultRecord:
        """Make the image of the run's attempt, which is on the disk and proved, the picture; what stands now.

        Then, and only then, the tiles may go: `tidy` is to be called soon, though nobody needs to wait for it.
        """
        stands = standing(run, read_result(self.folder), record)
        if stands is None:
            write_durably(self.folder / _RESULT, record.to_json().encode())
            stands = record
        else:
            sync_folder(self.folder)  # whoever wrote it may have failed to, or have died before
        self._kept = stands.attempt
        return stands

    def tidy(self) -> None:
        """Remove what a result has made needless: tiles, and the images of other attempts.

        What can't be removed goes when the run is opened again, or when it has expired.
        """
        if self._kept is None:
            return
        kept, self._kept = image_of(self.folder, self._kept).path, None
        self._close_log()
        with contextlib.suppress(OSError):
            (self.folder / _TILES).unlink(missing_ok=True)
            for path in self.folder.glob(_IMAGES):
                if path != kept:
                    path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove the folder, and let it go."""
        self._kept = None
        self._close_log()
        remove(self.folder)
        self._claim.release()

    def release(self) -> None:
        """Let another process have the folder."""
        self.tidy()
        self._close_log()
        self._claim.release()

    def _tiles(self) -> TileLog:
        """The log. `open` brings its name to the disk; when it is made anew, there is a result, and no tile counts."""
        if self._log is None:
            self._log = TileLog.open(self.folder / _TILES)
        return self._log

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None


def remove(folder: Path) -> None:
    """Remove a claimed folder: the lock goes last, so that nobody begins anew among what is going."""
    (folder / _RESULT).unlink(missing_ok=True)
    for entry in folder.iterdir():
        if entry.name != LOCK:
            entry.unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody has just claimed it again
        folder.rmdir()


def expires_at(folder: Path) -> float:
    """When the folder's contents have lived long enough (seconds since the epoch)."""
    used = [entry.stat().st_mtime for entry in folder.iterdir() if entry.name != LOCK]
    last_use = max(used, default=folder.stat().st_mtime)
    if not (folder / _RESULT).exists():
        return last_use + TILES_EXPIRY_S
    try:
        about = _About.read(folder)
    except StoreCorrupt:
        about = None
    return last_use + expiry_s(IMAGE_EXPIRY_S, about.ttl_s if about else None)

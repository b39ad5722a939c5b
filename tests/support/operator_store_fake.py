"""A result store in memory, with the keys of the real one: agents write to it, the operator reads it.

What `put_tiles` returned for is acknowledged. It may be away, and it may damage the next chunk that it is given; then
only the commit's read-back can tell.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from fractal_api import storage
from fractal_api.errors import TemporaryError
from fractal_api.storage import Atomically, ExpireKeys, Keys, ResultRecord, SetRecord, UnlinkKeys, VerifyImage, keys_of
from fractal_kernel.store.fence import admit
from fractal_kernel.store.interface import RunKey
from fractal_operator.adapters.results import Inventory

INSTALL = "proof"
CHUNK = 8


class StoreAway(TemporaryError):  # noqa: N818 - it names the state of the store
    """The store doesn't answer."""


class StoreCorrupt(Exception):  # noqa: N818 - as above
    """What was read back is not what was written."""


def picture_of(uid: str) -> bytes:
    """The picture of a job."""
    return f"the picture of {uid}".encode()


@dataclass
class StoreFake:
    """The memory of the store, by key."""

    values: dict[str, bytes] = field(default_factory=dict)
    tiles: dict[str, set[int]] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)
    away: bool = False
    hidden: bool = False
    """Away for the operator alone."""
    damages: int = 0
    judges: list[Callable[[str], None]] = field(default_factory=list)

    def keys(self, uid: str) -> Keys:
        return Keys(install=INSTALL, uid=uid)

    def check(self) -> None:
        if self.away:
            raise StoreAway("the store does not answer")

    # ---- for agents ------------------------------------------------------------------------------------------------

    def open_run(self, uid: str, attempt: int) -> set[int]:
        """The acknowledged tiles; RunConflict for an older attempt than one that was opened."""
        self.check()
        self._keep_out(uid, attempt)
        self.opened[uid] = attempt
        return set(self.tiles.get(uid, set()))

    def note_end(self, run: str, phase: str, reason: str) -> None:
        if not self.away:
            self.ended[run] = (phase, reason)

    def put_tile(self, uid: str, attempt: int, tile: int) -> None:
        """Acknowledge a tile; RunConflict as above."""
        self.check()
        self._keep_out(uid, attempt)
        self.tiles.setdefault(uid, set()).add(tile)

    def _keep_out(self, uid: str, attempt: int) -> None:
        admit(RunKey(install=INSTALL, uid=uid, attempt=attempt), self.opened.get(uid, 0))

    def put_chunk(self, uid: str, attempt: int, number: int, data: bytes) -> None:
        self.check()
        if self.damages:
            self.damages -= 1
            data = data[:-1] + b"?"
        self.values[self.keys(uid).chunk(attempt, number)] = data

    def commit_step(self, step: storage.CommitStep) -> None:
        self.check()
        match step:
            case VerifyImage():
                data = b"".join(self.values.get(key, b"") for key in step.chunks)
                if len(data) != step.size or hashlib.sha256(data).hexdigest() != step.sha256:
                    raise StoreCorrupt("the image is not what was written")
            case Atomically():
                for part in step.steps:
                    self._do(part)

    def _do(self, part: SetRecord | ExpireKeys | UnlinkKeys) -> None:
        match part:
            case SetRecord():
                self.values.setdefault(part.key, part.value.encode())
            case UnlinkKeys():
                for key in part.keys:
                    self._drop(key)
            case ExpireKeys():
                pass

    def has(self, uid: str, tile: int) -> bool:
        """Whether the tile is acknowledged, or in the picture already."""
        return tile in self.tiles.get(uid, set()) or self.result(uid) is not None

    def result(self, uid: str) -> ResultRecord | None:
        value = self.values.get(self.keys(uid).result)
        return None if value is None else ResultRecord.from_json(value)

    # ---- for those who judge ---------------------------------------------------------------------------------------

    def shows(self, uid: str) -> bool:
        """Whether the picture is there, whole."""
        record = self.result(uid)
        if record is None:
            return False
        chunks = self.keys(uid).chunks(record.attempt, record.chunks)
        return b"".join(self.values.get(key, b"") for key in chunks) == picture_of(uid)

    def uids(self) -> set[str]:
        """Whose keys are there."""
        found = {keys.uid for keys in map(keys_of, self.values) if keys}
        return found | {uid for uid, tiles in self.tiles.items() if tiles}

    # ---- for the operator ------------------------------------------------------------------------------------------

    def read(self, uid: str) -> ResultRecord | None:
        if self.hidden:
            raise StoreAway("the store does not answer the operator")
        self.check()
        return self.result(uid)

    def forget(self, uid: str) -> None:
        self.check()
        for judge in self.judges:
            judge(uid)
        for key in [key for key in self.values if (found := keys_of(key)) and found.uid == uid]:
            del self.values[key]
        self.tiles.pop(uid, None)

    def inventory(self) -> Inventory:
        self.check()
        found = Inventory()
        for uid in self.uids():
            chunks = [key for key in self.values if key.startswith(f"{self.keys(uid).prefix}:img:")]
            found.keys[uid] = [f"{self.keys(uid).prefix}:tiles", *chunks]
            if self.keys(uid).result in self.values:
                found.results.add(uid)
        return found

    def unlink(self, keys: list[str]) -> int:
        self.check()
        uids = {found.uid for found in map(keys_of, keys) if found}
        for uid in uids:
            self.forget(uid)
        return len(uids)

    def _drop(self, key: str) -> None:
        found = keys_of(key)
        if found and key == found.tiles:
            self.tiles.pop(found.uid, None)
        self.values.pop(key, None)


def record_of(uid: str, attempt: int) -> ResultRecord:
    """The record of a job's picture."""
    data = picture_of(uid)
    digest = hashlib.sha256(data).hexdigest()
    return ResultRecord(
        sha256=digest,
        pixels_sha256=digest,
        bytes=len(data),
        chunks=-(-len(data) // CHUNK),
        chunk_bytes=CHUNK,
        attempt=attempt,
        width=64,
        height=64,
        seconds=1.0,
        max_iterations=100,
        picture_version=1,
    )

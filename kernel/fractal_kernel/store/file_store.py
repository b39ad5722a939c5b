"""A store in a folder of this machine: what `fractal render` resumes from, and a world without Redis.

One thread does the blocking calls, one after the other: that is the only lock within the process. A call that takes
too long is given up, not undone; it ends before the next one begins. What nobody needs to wait for (an image's early
flush, tidying up after a commit) is done between the calls.
"""

import asyncio
import contextlib
import errno
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from fractal_api.storage import CHUNK_BYTES, ResultRecord
from fractal_kernel.store import run_folder
from fractal_kernel.store.commitment import ImageProof, standing
from fractal_kernel.store.fence import admit
from fractal_kernel.store.image_file import ImageFile
from fractal_kernel.store.interface import (
    Blob,
    RunConflict,
    RunKey,
    StoreAway,
    StoreCorrupt,
    StoredRun,
    StoreFull,
)
from fractal_kernel.store.run_folder import RunFolder, folder_of, image_of
from fractal_kernel.store.sweep import sweep

_T = TypeVar("_T")

_TIMEOUT_S: Final = 60.0
_CHUNKS_AT_ONCE: Final = 16
"""Chunks that one call reads back: a small image takes the store's thread once, a large one keeps each call short."""

_SWEEP_EVERY_S: Final = 3600.0
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FileStore:
    """A `Store` below the folder `root`, which is made if need be.

    `clock` gives the seconds since the epoch, as files have them: entries that have lived long enough are removed now
    and then when a run is opened.
    """

    def __init__(self, root: Path, *, timeout_s: float = _TIMEOUT_S, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._timeout_s = timeout_s
        self._clock = clock
        self._swept_at = float("-inf")
        self._runs: dict[Path, RunFolder] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="file-store")

    async def ping(self) -> None:
        """Return when the folder can be read."""
        await self._call(partial(self._root.mkdir, parents=True, exist_ok=True))
        await self._call(self._root.stat)

    async def open_run(self, run: RunKey, canonical_sha: str) -> StoredRun:
        """See `Store`."""
        if self._sweep_is_due():
            await self._call(self._sweep)
        return await self._call(partial(self._open, run, canonical_sha))

    async def note(self, run: RunKey, facts: Mapping[str, str]) -> None:
        """See `Store`."""
        await self._call(lambda: self._opened(run).note(facts))

    async def put_tiles(self, run: RunKey, tiles: Sequence[tuple[int, Blob]]) -> None:
        """See `Store`."""
        await self._call(lambda: self._newest(run).put_tiles(tiles))

    async def get_tile(self, run: RunKey, index: int) -> bytes:
        """See `Store`."""
        return await self._call(lambda: self._opened(run).get_tile(index))

    async def put_chunk(self, run: RunKey, number: int, data: Blob) -> None:
        """See `Store`."""
        await self._call(partial(self._put_chunk, run, number, data))

    async def get_chunk(self, run: RunKey, number: int) -> bytes:
        """See `Store`."""
        return await self._call(lambda: self._image(run).read(number))

    async def commit(self, run: RunKey, record: ResultRecord) -> ResultRecord:
        """See `Store`."""
        proof, chunks = ImageProof(run, record), range(record.chunks)
        *most, last = (chunks[start : start + _CHUNKS_AT_ONCE] for start in chunks[::_CHUNKS_AT_ONCE])
        for some in most:
            earlier = await self._call(partial(self._prove, run, record, proof, some))
            if earlier is not None:
                return earlier
        return await self._call(partial(self._settle, run, record, proof, last))

    async def read_result(self, run: RunKey) -> ResultRecord | None:
        """See `Store`."""
        return await self._call(partial(run_folder.read_result, folder_of(self._root, run)))

    async def read_image(self, run: RunKey) -> AsyncIterator[bytes]:
        """See `Store`."""
        folder = folder_of(self._root, run)
        record = await self.read_result(run)
        if record is None:
            raise StoreCorrupt(f"run {run.id} has no picture here")
        await self._call(partial(run_folder.refresh, folder))
        image, proof = image_of(folder, record.attempt), ImageProof(run, record)
        for number in range(record.chunks):
            chunk = await self._call(partial(image.read, number))
            proof.take(chunk)
            yield chunk
        proof.conclude()

    async def write_live(self, run: RunKey, figures: Mapping[str, str]) -> None:
        """See `Store`."""
        await self._call(lambda: self._newest(run).write_live(figures))

    async def forget(self, run: RunKey) -> None:
        """See `Store`."""
        await self._call(partial(self._forget, folder_of(self._root, run)))

    async def release(self, run: RunKey) -> None:
        """See `Store`."""
        await self._call(partial(self._release_attempt, run))

    async def close(self) -> None:
        """See `Store`."""
        with contextlib.suppress(StoreAway):  # a disk that hangs keeps its thread, not us
            await self._call(self._release_all)
        self._thread.shutdown(wait=False)

    async def _call(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, in its turn, on the store's thread."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except TimeoutError as error:
            raise StoreAway(f"the disk of {self._root} did not answer within {self._timeout_s:g} s") from error
        except OSError as error:
            kind = StoreFull if error.errno in _NO_ROOM else StoreAway
            raise kind(f"the store in {self._root} can't be used: {error.strerror or error}") from error

    def _afterwards(self, work: Callable[[], None]) -> None:
        """Let the store's thread do this next, though nobody waits for it; what goes wrong is made good elsewhere."""

        def attempt() -> None:
            with contextlib.suppress(OSError):
                work()

        self._thread.submit(attempt)

    # ---- on the store's thread -------------------------------------------------------------------------------------

    def _open(self, run: RunKey, canonical_sha: str) -> StoredRun:
        path = folder_of(self._root, run)
        folder = self._runs.get(path) or RunFolder.claim(path)
        try:
            stored = folder.open(run, canonical_sha)
        except BaseException:
            if path not in self._runs:
                folder.release()
            raise
        self._runs[path] = folder
        return stored

    def _opened(self, run: RunKey) -> RunFolder:
        try:
            return self._runs[folder_of(self._root, run)]
        except KeyError:
            raise RunConflict(f"run {run.id} is not open in this process") from None

    def _newest(self, run: RunKey) -> RunFolder:
        """The run's folder, for what only its newest attempt may write."""
        folder = self._opened(run)
        admit(run, folder.attempt)
        return folder

    def _image(self, run: RunKey) -> ImageFile:
        return self._opened(run).image(run.attempt)

    def _put_chunk(self, run: RunKey, number: int, data: Blob) -> None:
        image = self._image(run)
        image.write(number, data)
        if len(data) == CHUNK_BYTES:  # the last one is followed by `commit`, which flushes it
            self._afterwards(partial(image.flush, number))

    def _prove(self, run: RunKey, record: ResultRecord, proof: ImageProof, chunks: range) -> ResultRecord | None:
        """Read the next chunks back from the disk; StoreCorrupt unless they are right, or another result stands."""
        image = self._image(run)
        try:
            if chunks.start == 0:
                image.finish(record.bytes)
            for piece in image.pieces(chunks):
                proof.take(piece)
            if chunks.stop == record.chunks:
                proof.conclude()
        except StoreCorrupt:
            earlier = standing(run, run_folder.read_result(folder_of(self._root, run)), record)
            if earlier is None:
                raise
            return earlier  # whoever wrote it has removed our chunks meanwhile
        return None

    def _settle(self, run: RunKey, record: ResultRecord, proof: ImageProof, chunks: range) -> ResultRecord:
        """Prove the last chunks, and make the image the picture; the record that stands now."""
        earlier = self._prove(run, record, proof, chunks)
        if earlier is not None:
            return earlier
        folder = self._opened(run)
        stands = folder.settle(run, record)
        self._afterwards(folder.tidy)
        return stands

    def _forget(self, path: Path) -> None:
        folder = self._runs.pop(path, None)
        if folder is None and not path.exists():
            return
        (folder or RunFolder.claim(path)).forget()

    def _release_attempt(self, run: RunKey) -> None:
        """Let the folder go, unless a newer attempt of this process has it."""
        path = folder_of(self._root, run)
        folder = self._runs.get(path)
        if folder is not None and folder.attempt <= run.attempt:
            self._release(path)

    def _release(self, path: Path) -> None:
        folder = self._runs.pop(path, None)
        if folder is not None:
            folder.release()

    def _release_all(self) -> None:
        for path in list(self._runs):
            self._release(path)

    def _sweep_is_due(self) -> bool:
        return self._clock() >= self._swept_at + _SWEEP_EVERY_S

    def _sweep(self) -> None:
        """Remove what has lived long enough, unless somebody has just done so."""
        if self._sweep_is_due():
            self._swept_at = self._clock()
            sweep(self._root, self._swept_at, spare=self._runs.keys())

"""A power cut at any moment of a run in the file store: what was promised by then is there afterwards.

The moments are those before each flush of the disk, and the ends of calls: between them, nothing becomes durable.
"""

import dataclasses
import errno
from pathlib import Path

import pytest
from support.pictures import IMAGE, SPEC, put_image, read_image, record_of, run_key, tile, tiles
from support.power_cut import Cut, Disk
from support.stores import FileBackend, connected

from fractal_api.storage import CHUNK_BYTES
from fractal_kernel.store import durable
from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.interface import RunConflict, StoreAway


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promised:
    """What calls have returned for."""

    attempt: int = 0
    tiles: frozenset[int] = frozenset()
    facts: tuple[str, ...] = ()
    picture: bool = False


class Moments:
    """Keeps what cuts would have left, and what had been promised by then."""

    def __init__(self, files: FileBackend, folder: Path) -> None:
        files.root.mkdir()
        self.disk = Disk(files.root, self.keep)
        self.promised = Promised()
        self.kept: list[tuple[Path, Promised]] = []
        self._folder = folder

    def keep(self) -> None:
        for cut in Cut:
            left = self._folder / f"{len(self.kept)}-{cut.name}"
            self.disk.leave(cut, left)
            self.kept.append((left, self.promised))

    def promise(self, **more: object) -> None:
        self.promised = dataclasses.replace(self.promised, **more)  # type: ignore[arg-type]  # each has its type
        self.keep()


@pytest.fixture
def moments(files: FileBackend, tmp_path: Path) -> Moments:
    return Moments(files, tmp_path)


async def render(store: FileStore, moments: Moments, attempt: int, *batches: tuple[int, ...]) -> None:
    run = run_key(attempt)
    await store.open_run(run, SPEC)
    moments.promise(attempt=attempt)
    for batch in batches:
        await store.put_tiles(run, tiles(*batch))
        moments.promise(tiles=moments.promised.tiles | {*batch})
    name = f"of-{attempt}"
    await store.note(run, {name: "x"})
    moments.promise(facts=(*moments.promised.facts, name))


async def commit(store: FileStore, moments: Moments, attempt: int, image: bytes = IMAGE) -> None:
    await put_image(store, run_key(attempt), image)
    await store.commit(run_key(attempt), record_of(image, attempt=attempt))
    moments.promise(picture=True)
    await store.release(run_key(attempt))
    moments.keep()


async def assert_kept(left: Path, promised: Promised, image: bytes = IMAGE) -> None:
    store = FileStore(left)
    try:
        if promised.attempt:
            with pytest.raises(RunConflict, match="another picture"):
                await store.open_run(run_key(9), "d" * 64)
        if promised.attempt > 1:
            with pytest.raises(RunConflict, match="was begun already"):
                await store.open_run(run_key(promised.attempt - 1), SPEC)
        stored = await store.open_run(run_key(9), SPEC)
        assert {*promised.facts} <= stored.facts.keys()
        assert stored.result is not None or not promised.picture
        if stored.result is not None:
            assert await read_image(store, run_key(9)) == image
        else:
            assert promised.tiles <= stored.acknowledged
            for index in stored.acknowledged:
                assert (index, await store.get_tile(run_key(9), index)) == tile(index)
    finally:
        await store.close()


@pytest.mark.parametrize("image", [pytest.param(IMAGE, id="chunks"), pytest.param(IMAGE[:5000], id="part of a chunk")])
async def test_a_power_cut_takes_nothing_of_a_run_that_was_promised(
    files: FileBackend, moments: Moments, monkeypatch: pytest.MonkeyPatch, image: bytes
) -> None:
    with moments.disk.watched(monkeypatch):
        async with connected(files) as store:
            await render(store, moments, 1, (0, 1), (2,))
            await commit(store, moments, 1, image)
    assert len(moments.kept) > 20
    for left, promised in moments.kept:
        await assert_kept(left, promised, image)


async def test_a_result_whose_name_was_not_flushed_is_flushed_before_its_tiles_go(
    files: FileBackend, moments: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails just after the record got its name; whoever commits again finds it there."""
    run = run_key(1)

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "no such luck")

    with moments.disk.watched(monkeypatch):
        async with connected(files) as store:
            await render(store, moments, 1, (0, 1, 2))
            await put_image(store, run)
            with pytest.MonkeyPatch.context() as broken:
                broken.setattr(durable, "sync_folder", fail)
                with pytest.raises(StoreAway, match="no such luck"):
                    await store.commit(run, record_of())
            await store.commit(run, record_of())
            moments.promise(picture=True)
            await store.release(run)
            moments.keep()
    for left, promised in moments.kept:
        await assert_kept(left, promised)


async def test_a_power_cut_takes_nothing_of_attempts_that_follow_each_other(
    files: FileBackend, moments: Moments, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moments.disk.watched(monkeypatch):
        async with connected(files) as store:
            await render(store, moments, 1, (0,))
            await put_image(store, run_key(1), IMAGE[: 2**20])
            await store.release(run_key(1))
        async with connected(files) as store:
            await render(store, moments, 3, (5,), (6, 7))
            await put_image(store, run_key(3), IMAGE[::-1])  # begun again, with other bytes before
            await commit(store, moments, 3)
    for left, promised in moments.kept:
        await assert_kept(left, promised)


async def test_what_a_killed_process_left_unflushed_is_flushed_before_it_is_told(
    files: FileBackend, moments: Moments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        await store.put_tiles(run_key(), tiles(0, 1))
    with moments.disk.watched(monkeypatch):  # of what came before, nothing counts as flushed
        async with connected(files) as store:
            assert (await store.open_run(run_key(), SPEC)).acknowledged == {0, 1}
        moments.disk.leave(Cut.NAMES, tmp_path / "left")
    await assert_kept(tmp_path / "left", Promised(attempt=1, tiles=frozenset({0, 1})))


async def test_whole_chunks_are_on_the_disk_before_the_commit(
    files: FileBackend, moments: Moments, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with moments.disk.watched(monkeypatch):
        async with connected(files) as store:
            await store.open_run(run_key(), SPEC)
            await put_image(store, run_key())
            await store.read_result(run_key())  # the flush comes between two calls
        moments.disk.leave(Cut.LEAST, tmp_path / "left")
    flushed = (tmp_path / "left" / run_key().install / run_key().uid / "img.1").read_bytes()
    assert flushed[: 2 * CHUNK_BYTES] == IMAGE[: 2 * CHUNK_BYTES]

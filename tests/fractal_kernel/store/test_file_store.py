"""What only the file store promises."""

import asyncio
import contextlib
import errno
import os
import time
from pathlib import Path

import pytest
from support.pictures import SPEC, put_image, record_of, run_key, tiles
from support.stores import FileBackend, connected

from fractal_api.storage import CHUNK_BYTES, TILES_EXPIRY_S
from fractal_kernel.store import file_store
from fractal_kernel.store.durable import make_folder
from fractal_kernel.store.file_store import FileStore
from fractal_kernel.store.image_file import ImageFile
from fractal_kernel.store.interface import RunConflict, StoreAway, StoreCorrupt, StoreFull
from fractal_kernel.store.run_folder import RunFolder

DAY = TILES_EXPIRY_S + 60
OTHER = run_key(uid="somebody-else")


async def test_a_run_that_another_process_holds_is_refused_by_name(files: FileBackend) -> None:
    async with connected(files) as first, connected(files) as second:
        await first.open_run(run_key(), SPEC)
        with pytest.raises(RunConflict, match=f"process {os.getpid()} is at work in .*{run_key().uid}"):
            await second.open_run(run_key(), SPEC)
        with pytest.raises(RunConflict, match="is at work"):
            await second.forget(run_key())
        await second.open_run(OTHER, SPEC)


async def test_a_run_that_was_not_opened_takes_nothing(files: FileBackend) -> None:
    async with connected(files) as store:
        with pytest.raises(RunConflict, match="is not open in this process"):
            await store.put_tiles(run_key(), tiles(1))


async def test_a_refused_picture_does_not_hold_the_run(files: FileBackend) -> None:
    async with connected(files) as first, connected(files) as second:
        await first.open_run(run_key(), SPEC)
        await first.release(run_key())
        with pytest.raises(RunConflict, match="another picture"):
            await first.open_run(run_key(), "d" * 64)
        await second.open_run(run_key(), SPEC)


async def test_a_run_that_somebody_works_on_is_not_swept_away(files: FileBackend) -> None:
    async with connected(files) as first:
        await first.open_run(run_key(), SPEC)
        await first.put_tiles(run_key(), tiles(1))
        files.age(DAY)
        async with connected(files) as second:
            await second.open_run(OTHER, SPEC)
        assert (await first.open_run(run_key(), SPEC)).acknowledged == {1}


async def test_sweeping_leaves_nothing_of_an_expired_run(files: FileBackend) -> None:
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        await store.put_tiles(run_key(), tiles(1))
    files.age(DAY)
    async with connected(files) as store:
        await store.open_run(OTHER, SPEC)
    assert [path.name for path in files.root.glob("*/*")] == [OTHER.uid]


async def test_foreign_files_in_the_folder_disturb_nobody(files: FileBackend) -> None:
    (files.root / "test" / "a-folder" / "within").mkdir(parents=True)
    (files.root / "a-file").touch()
    files.age(DAY)
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
    assert (files.root / "test" / "a-folder" / "within").is_dir()


async def test_processes_that_open_and_sweep_at_once_never_share_a_run(files: FileBackend) -> None:
    async def open_it() -> bool:
        # A day ahead, so that each sweeps whatever the others have just made and don't hold.
        store = FileStore(files.root, clock=lambda: time.time() + DAY)
        try:
            await store.open_run(run_key(), SPEC)
            await store.put_tiles(run_key(), tiles(1))
            assert (await store.open_run(run_key(), SPEC)).acknowledged == {1}
        except RunConflict:
            return False
        finally:
            await store.close()
        return True

    for _ in range(20):
        assert any(await asyncio.gather(*(open_it() for _ in range(4))))


def test_a_file_in_the_place_of_a_folder_is_an_error_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("file", "dangling"):
        with pytest.raises(FileExistsError):
            make_folder(tmp_path / name)
    make_folder(tmp_path / "one" / "two")
    assert (tmp_path / "one" / "two").is_dir()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"spec": "c"}'])
async def test_a_damaged_description_of_a_run_is_an_error_that_names_the_file(
    files: FileBackend, content: bytes
) -> None:
    files.folder(run_key()).mkdir(parents=True)
    (files.folder(run_key()) / "run.json").write_bytes(content)
    async with connected(files) as store:
        with pytest.raises(StoreCorrupt, match=r"run\.json is no description"):
            await store.open_run(run_key(), SPEC)
        await store.forget(run_key())
        await store.open_run(run_key(), SPEC)


async def test_a_damaged_record_is_an_error_that_names_the_file(files: FileBackend) -> None:
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        (files.folder(run_key()) / "result.json").write_text("{}")
        with pytest.raises(StoreCorrupt, match=r"result\.json: this is no result record"):
            await store.read_result(run_key())


async def test_a_full_disk_is_a_full_store(files: FileBackend) -> None:
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        (files.folder(run_key()) / "img.1").symlink_to("/dev/full")
        with pytest.raises(StoreFull, match="No space left on device"):
            await put_image(store, run_key())


async def test_a_crash_between_record_and_tiles_is_tidied_up_at_the_next_opening(files: FileBackend) -> None:
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        await store.put_tiles(run_key(), tiles(1))
        kept = (files.folder(run_key()) / "tiles.log").read_bytes()
        await put_image(store, run_key())
        await store.commit(run_key(), record_of())
    (files.folder(run_key()) / "tiles.log").write_bytes(kept)
    (files.folder(run_key()) / "img.7").write_bytes(b"of an attempt that came too late")
    async with connected(files) as store:
        stored = await store.open_run(run_key(), SPEC)
    assert (stored.acknowledged, stored.result) == (frozenset(), record_of())
    assert files.entries(run_key()) == {"run", "result", "img.1"}


def test_a_released_folder_is_tidy_and_left_alone(files: FileBackend) -> None:
    folder = RunFolder.claim(files.folder(run_key()))
    folder.open(run_key(), SPEC)
    folder.put_tiles(tiles(1))
    folder.settle(run_key(), record_of())
    folder.release()
    assert files.entries(run_key()) == {"run", "result"}
    (files.folder(run_key()) / "tiles.log").touch()  # somebody else's by now
    folder.tidy()
    assert "tiles" in files.entries(run_key())


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("damaged", [None, 0, 1, 2])
async def test_an_image_may_be_proved_in_several_calls(
    files: FileBackend, monkeypatch: pytest.MonkeyPatch, at_once: int, damaged: int | None
) -> None:
    monkeypatch.setattr(file_store, "_CHUNKS_AT_ONCE", at_once)
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        await put_image(store, run_key())
        if damaged is None:
            assert await store.commit(run_key(), record_of()) == record_of()
        else:
            files.damage_chunk(run_key(), damaged)
            with pytest.raises(StoreCorrupt, match="another SHA-256"):
                await store.commit(run_key(), record_of())
        assert (await store.read_result(run_key()) is None) is (damaged is not None)


async def test_a_flush_that_failed_while_nobody_waited_is_told_when_the_picture_is_committed(
    files: FileBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        with monkeypatch.context() as broken:
            broken.setattr(os, "fdatasync", full)
            await put_image(store, run_key())
            await store.read_result(run_key())  # the flushes come before it
        with pytest.raises(StoreFull, match="No space left"):
            await store.commit(run_key(), record_of())
        await put_image(store, run_key())
        assert await store.commit(run_key(), record_of()) == record_of()


def test_what_is_written_again_is_dropped_from_memory_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[int] = []

    def advised(_: int, offset: int, __: int, advice: int) -> None:
        if advice == os.POSIX_FADV_DONTNEED:
            dropped.append(offset)

    monkeypatch.setattr(os, "posix_fadvise", advised)
    image = ImageFile(tmp_path / "img.1")
    for fill in (b"a", b"b"):
        image.write(0, fill * CHUNK_BYTES)
        image.write(1, fill * 10)
        image.flush(0)
        image.finish(CHUNK_BYTES + 10)
    assert dropped == 2 * [0, CHUNK_BYTES]


async def test_every_chunk_is_dropped_from_memory_once_it_is_on_the_disk(
    files: FileBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, int]] = []
    flush, advise = os.fsync, os.posix_fadvise

    def flushed(fd: int) -> None:
        flush(fd)
        said.append(("flush", os.fstat(fd).st_ino))

    def advised(fd: int, offset: int, length: int, advice: int) -> None:
        advise(fd, offset, length, advice)
        if advice == os.POSIX_FADV_DONTNEED:
            said.append(("drop", offset))

    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        monkeypatch.setattr(os, "fsync", flushed)
        monkeypatch.setattr(os, "fdatasync", flushed)
        monkeypatch.setattr(os, "posix_fadvise", advised)
        await put_image(store, run_key())
        await store.commit(run_key(), record_of())
    image = (files.folder(run_key()) / "img.1").stat().st_ino
    wanted = [word for number in range(3) for word in (("flush", image), ("drop", number * CHUNK_BYTES))]
    assert [word for word in said if word[0] == "drop" or word[1] == image] == wanted


async def test_a_chunk_has_at_most_a_mebibyte(files: FileBackend) -> None:
    async with connected(files) as store:
        await store.open_run(run_key(), SPEC)
        with pytest.raises(ValueError, match="at most 1048576 bytes"):
            await store.put_chunk(run_key(), 0, bytes(2**20 + 1))


async def test_a_disk_that_hangs_does_not_keep_the_store_from_closing(files: FileBackend) -> None:
    async with connected(files) as patient:
        await patient.open_run(run_key(), SPEC)
        await put_image(patient, run_key())
    store = files.connect(timeout_s=1)
    await store.open_run(run_key(), SPEC)
    with files.hanging(run_key()):
        with contextlib.suppress(StoreAway):
            await store.get_chunk(run_key(), 0)
        await asyncio.wait_for(store.close(), 20)

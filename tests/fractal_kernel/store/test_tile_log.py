"""The file store's log of tiles: what a crash or a bad disk leaves of it."""

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pictures import tile, tiles

from fractal_kernel.store.interface import StoreCorrupt
from fractal_kernel.store.tile_log import TileLog

SIZE = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiles.log"


def written(path: Path, *batches: tuple[int, ...]) -> list[int]:
    """Write a log of these batches; where each ends."""
    ends = []
    log = TileLog.open(path)
    for batch in batches:
        log.append(tiles(*batch, size=SIZE))
        ends.append(path.stat().st_size)
    log.close()
    return ends


def held(path: Path) -> set[int]:
    """The tiles of the log, each proved to be what was put."""
    log = TileLog.open(path)
    for index in log.indices:
        assert (index, log.read(index)) == tile(index, SIZE)
    log.close()
    return set(log.indices)


def test_a_log_opens_with_what_was_put(path: Path) -> None:
    written(path, (1, 2), (3,))
    assert held(path) == {1, 2, 3}


def test_a_crash_at_any_byte_of_a_batch_keeps_the_batches_before_it(path: Path) -> None:
    first, second, third = written(path, (1, 2), (3,), (4, 5, 6))
    whole = path.read_bytes()
    record = (third - second) // 3
    for end in range(first, third + 1):
        path.write_bytes(whole[:end])
        complete = {1, 2} | ({3} if end >= second else set())
        complete |= {index for n, index in enumerate((4, 5, 6), start=1) if end >= second + n * record}
        assert held(path) == complete
        assert path.stat().st_size <= end


@pytest.mark.parametrize("fill", [b"\0", b"\xff"], ids=["zeros", "ones"])
def test_blocks_that_never_reached_the_disk_are_noticed_in_the_last_batch(path: Path, fill: bytes) -> None:
    first, second = written(path, (1, 2), (3, 4))
    whole = path.read_bytes()
    for start in range(first, second):
        path.write_bytes(whole[:start] + fill * (second - start))
        kept = held(path)
        assert {1, 2} <= kept < {1, 2, 3, 4}


def test_a_log_that_was_cut_goes_on(path: Path) -> None:
    _, second = written(path, (1, 2), (3, 4))
    os.truncate(path, second - 1)
    written(path, (4, 5))
    assert held(path) == {1, 2, 3, 4, 5}


def test_what_is_no_log_is_begun_anew(path: Path) -> None:
    path.write_bytes(b"not a log, whatever it is")
    assert held(path) == set()


def test_a_tile_that_rots_on_the_disk_is_noticed_when_it_is_read(path: Path) -> None:
    first, _ = written(path, (1,), (2,))
    with path.open("r+b") as file:
        file.seek(first - 1)
        file.write(b"x")
    log = TileLog.open(path)
    assert log.read(2) == tile(2, SIZE)[1]
    with pytest.raises(StoreCorrupt, match="tile 1 is damaged"):
        log.read(1)
    log.close()


@contextlib.contextmanager
def small_files() -> Iterator[None]:
    """Not a fixture: pytest's own output may be a file, too, and it writes there before a fixture ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_batch_without_room_leaves_the_log_as_it_was(path: Path) -> None:
    (end,) = written(path, (1, 2))
    log = TileLog.open(path)
    with small_files(), pytest.raises(OSError, match="File too large"):
        log.append(tiles(*range(100), size=SIZE))
    assert path.stat().st_size == end
    assert log.indices == {1, 2}
    with small_files():
        log.append(tiles(3, size=SIZE))
    log.close()
    assert held(path) == {1, 2, 3}


def test_a_batch_of_more_tiles_than_a_system_call_takes_is_written_whole(path: Path) -> None:
    written(path, tuple(range(2000)))
    assert held(path) == set(range(2000))

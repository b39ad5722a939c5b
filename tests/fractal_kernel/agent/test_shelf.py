"""Byte strings that wait in memory, then in files."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fractal_kernel.agent import shelf as module
from fractal_kernel.agent.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 64)
    made = Shelf(resident=32, folder=tmp_path)
    yield made
    made.close()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_what_is_put_is_read_back_wherever_it_lies(shelf: Shelf) -> None:
    chance = random.Random(1)  # noqa: S311 - any bytes will do
    blobs = [chance.randbytes(chance.randrange(40)) for _ in range(50)]
    items = [shelf.put(blob) for blob in blobs]
    assert [bytes(shelf.read(item)) for item in items] == blobs
    assert shelf.held == sum(map(len, blobs))


def test_memory_holds_no_more_than_it_may(shelf: Shelf) -> None:
    items = [shelf.put(bytes(10)) for _ in range(10)]
    assert sum(item.length for item in items if item.blob is not None) == 30


def test_room_in_memory_is_used_again(shelf: Shelf) -> None:
    first = shelf.put(bytes(30))
    shelf.drop(first)
    assert shelf.put(bytes(30)).blob is not None


def test_files_go_when_all_that_lies_in_them_was_dropped(shelf: Shelf, tmp_path: Path) -> None:
    before = open_files()
    items = [shelf.put(bytes(32)) for _ in range(9)]
    assert open_files() == before + 4
    for item in items[:3]:
        shelf.drop(item)
    assert open_files() == before + 3
    for item in items[3:]:
        shelf.drop(item)
    assert open_files() == before
    assert shelf.held == 0
    assert list(tmp_path.iterdir()) == []


def test_files_have_no_name_that_could_be_left_over(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put(bytes(33))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_what_is_kept_in_spite_of_it_is_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        shelf.put(bytes(33))
    assert shelf.held == 0
    assert bytes(shelf.read(shelf.keep(b"x" * 33))) == b"x" * 33
